import Kernel
import SmallNano
import Storage
import TestSupport
import Testing

@testable import SmallNanoNode

@Suite("The ledger in SQLite and in memory")
struct LedgerModelTests {
  /// The full index of hashes, and one of four bits, where every hash collides with many.
  static let hashMasks: [UInt64] = [.max, 15]

  @Test(
    "Both stores answer alike through random operations and crashes, and nothing is lost or made",
    arguments: [1, 2, 3] as [UInt64],
    hashMasks
  )
  func model(seed: UInt64, hashMask: UInt64) throws {
    let directory = TemporaryDirectory()
    func open() throws -> Ledger {
      let store = try SQLiteLedgerStore(
        path: directory.file("ledger.db"),
        parameters: RandomLedger.parameters,
        options: Database.Options(),
        hashMask: hashMask
      )
      return Ledger(store: store, parameters: RandomLedger.parameters)
    }
    var source = RandomLedger(seed: seed)
    var model = Ledger(store: MemoryStore(), parameters: RandomLedger.parameters)
    var ledger = try open()
    var durable = MemoryStore()
    var answers: [String: Int] = [:]
    for step in 0..<800 {
      let operation = source.next(for: model)
      var (expected, change) = (LedgerChange(), LedgerChange())
      let answer = model.carryOut(operation, into: &expected)
      #expect(ledger.carryOut(operation, into: &change) == answer)
      #expect(change == expected)
      try #require(!ledger.store.hasFailed)
      answers[name(of: answer), default: 0] += 1
      switch Int.random(in: 0..<40, using: &source.random) {
      case 0..<4:
        try (ledger.store as? SQLiteLedgerStore)?.commit()
        durable = try #require(model.store as? MemoryStore)
      case 4:
        // A crash: what was not committed is gone. Both start again from what was.
        ledger.store = MemoryStore()  // Lets go of the connection.
        ledger = try open()
        model = Ledger(store: durable, parameters: RandomLedger.parameters)
      default: break
      }
      if step.isMultiple(of: 40) {
        try expectSameReads(model.store, ledger.store, source)
        #expect(model.representatives.elementsEqual(ledger.representatives, by: ==))
        expectConservation(model.store)
      }
    }
    try expectSameReads(model.store, ledger.store, source)
    // The walk went everywhere.
    for name in ["appended", "refused", "valid", "confirmed", "removed"] {
      #expect(answers[name, default: 0] > 10, "\(name)")
    }
    try (ledger.store as? SQLiteLedgerStore)?.commit()
    let reader = try LedgerReader(
      path: directory.file("ledger.db"),
      parameters: RandomLedger.parameters,
      options: Database.Options(),
      hashMask: hashMask
    )
    #expect(try reader.verify().problems == [])
  }

  private func name(of answer: LedgerAnswer) -> String {
    switch answer {
    case .appended: "appended"
    case .refused: "refused"
    case .valid: "valid"
    case .confirmed(let blocks, _): blocks.isEmpty ? "nothing" : "confirmed"
    case .removed(let blocks): blocks.isEmpty ? "nothing" : "removed"
    case .noted: "noted"
    }
  }

  /// Every read of the protocol, for every account, block and slot that was ever named.
  private func expectSameReads(
    _ model: any LedgerStore,
    _ store: any LedgerStore,
    _ source: RandomLedger
  ) throws {
    #expect(store.totals == model.totals)
    #expect(store.onlineSamples() == model.onlineSamples())
    for minimum in [UInt128(0), 1 << 90] {
      #expect(
        store.weights(atLeast: Amount(raw: minimum))
          .elementsEqual(model.weights(atLeast: Amount(raw: minimum)), by: ==)
      )
    }
    for account in RandomLedger.accounts + [.burn] {
      #expect(store.account(account) == model.account(account))
      #expect(store.weight(of: account) == model.weight(of: account))
      #expect(store.votingSince(account) == model.votingSince(account))
      #expect(
        store.accounts(from: account, limit: 4)
          .elementsEqual(model.accounts(from: account, limit: 4), by: ==)
      )
      #expect(
        store.unconfirmedAccounts(from: account, limit: 4)
          .elementsEqual(model.unconfirmedAccounts(from: account, limit: 4), by: ==)
      )
      let key = ReceivableKey(destination: account, hash: .zero)
      #expect(store.receivables(from: key, limit: 50) == model.receivables(from: key, limit: 50))
      for height in [0, 1, 7, 8, 9, .max] as [UInt64] {
        let slot = Slot(account: account, height: Height(height))
        #expect(store.block(at: slot) == model.block(at: slot))
        #expect(
          store.slotsWithRecords(from: slot, limit: 5)
            == model.slotsWithRecords(from: slot, limit: 5)
        )
      }
    }
    for block in source.blocks.suffix(80) + source.blocks.prefix(20) {
      #expect(store.block(block.hash) == model.block(block.hash))
      #expect(store.block(at: block.slot) == model.block(at: block.slot))
      #expect(store.voteRecords(at: block.slot) == model.voteRecords(at: block.slot))
      #expect(store.candidates(at: block.slot) == model.candidates(at: block.slot))
      #expect(store.certificates(at: block.slot) == model.certificates(at: block.slot))
      if block.balance != .zero {
        let key = ReceivableKey(destination: Account(block.link), hash: block.hash)
        #expect(store.receivable(key) == model.receivable(key))
      }
    }
  }

  /// The sums, counted anew, are the totals, and they are the supply.
  private func expectConservation(_ store: any LedgerStore) {
    var sum = store.totals.burned
    for (_, state) in store.accounts(from: .burn, limit: 100) { sum += state.balance }
    let all = ReceivableKey(destination: .burn, hash: .zero)
    for receivable in store.receivables(from: all, limit: 10_000)
    where receivable.receivedAt == nil {
      sum += receivable.amount
    }
    #expect(sum == RandomLedger.parameters.supply)
    #expect(store.totals.sum == RandomLedger.parameters.supply)
    var weight = Amount.zero
    for (_, each) in store.weights(atLeast: .zero) { weight += each }
    var confirmed = Amount.zero
    for (_, state) in store.accounts(from: .burn, limit: 100) {
      confirmed += state.confirmed?.balance ?? .zero
    }
    #expect(weight == confirmed)
  }
}
