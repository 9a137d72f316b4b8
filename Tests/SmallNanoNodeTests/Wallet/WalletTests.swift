import Kernel
import SmallNano
import TestSupport
import Testing
import Vault

@testable import SmallNanoNode

@Suite("The wallet") struct WalletTests {
  let genesis = NetworkParameters.dev.genesisAccount

  @Test("A send arrives, is received, and both are confirmed") func payment() async throws {
    try await inHouse { house async throws in
      let wallet = try await house.genesisWallet()
      let other = try await wallet.addAccount().account
      let send = try await wallet.send(from: genesis, to: other, amount: TestHouse.smn(5))
      let receives = try await wallet.receive(on: other)
      #expect(receives.count == 1)
      try await wallet.inspect { tables throws in
        #expect(try tables.account(other)?.balance == TestHouse.smn(5))
        #expect(try tables.isConfirmed(send))
        #expect(try tables.isConfirmed(receives[0]))
      }
    }
  }

  @Test("Sending all leaves the minimum balance") func sendAll() async throws {
    try await inHouse { house async throws in
      let wallet = try await house.genesisWallet()
      _ = try await wallet.send(from: genesis, to: .burn, amount: nil)
      try await wallet.inspect { tables throws in
        #expect(
          try tables.account(genesis)?.balance == NetworkParameters.dev.minimumBalance
        )
      }
    }
  }

  @Test("What breaks the minimum is refused with numbers") func minimum() async throws {
    try await inHouse { house async throws in
      let wallet = try await house.genesisWallet()
      let supply = NetworkParameters.dev.supply
      let minimum = NetworkParameters.dev.minimumBalance
      await #expect(
        throws: WalletFailure.insufficientBalance(amount: supply, balance: supply, minimum: minimum)
      ) { try await wallet.send(from: genesis, to: .burn, amount: supply) }
      await #expect(
        throws: WalletFailure.belowMinimum(amount: Amount(raw: 1), minimum: minimum)
      ) { try await wallet.send(from: genesis, to: .burn, amount: Amount(raw: 1)) }
      let text = "\(WalletFailure.belowMinimum(amount: Amount(raw: 1), minimum: minimum))"
      #expect(text.contains("0.000001 smn"))
    }
  }

  @Test("Concurrent sends of one account follow each other") func concurrentSends() async throws {
    try await inHouse { house async throws in
      let wallet = try await house.genesisWallet()
      let hashes = try await withThrowingTaskGroup(of: BlockHash.self) { group in
        for _ in 0..<20 {
          group.addTask {
            try await wallet.send(from: genesis, to: .burn, amount: TestHouse.smn(1))
          }
        }
        var hashes: Set<BlockHash> = []
        for try await hash in group { hashes.insert(hash) }
        return hashes
      }
      #expect(hashes.count == 20)
      try await wallet.inspect { tables throws in
        #expect(try tables.account(genesis)?.height == Height(21))
        #expect(try tables.totals().burned == TestHouse.smn(20))
      }
    }
  }

  @Test("An id pays once: at the same time, later, and after a restart") func idempotency()
    async throws
  {
    let directory = TemporaryDirectory()
    let first = try await inHouse(directory) { house async throws in
      let wallet = try await house.genesisWallet()
      async let a = wallet.send(from: genesis, to: .burn, amount: TestHouse.smn(1), id: "x")
      async let b = wallet.send(from: genesis, to: .burn, amount: TestHouse.smn(1), id: "x")
      let (one, two) = try await (a, b)
      #expect(one == two)
      _ = try await wallet.send(from: genesis, to: .burn, amount: TestHouse.smn(1))
      await #expect(throws: WalletFailure.idReused("x")) {
        try await wallet.send(from: genesis, to: .burn, amount: TestHouse.smn(2), id: "x")
      }
      return one
    }
    try await inHouse(directory) { house async throws in
      let wallet = try house.wallet()
      try await wallet.unlock(password: .text("p"))
      let again = try await wallet.send(
        from: genesis,
        to: .burn,
        amount: TestHouse.smn(1),
        id: "x"
      )
      #expect(again == first)
      try await wallet.inspect { tables throws in
        #expect(try tables.totals().burned == TestHouse.smn(2))
      }
    }
  }

  @Test("A locked wallet lists accounts and signs nothing") func locking() async throws {
    try await inHouse { house async throws in
      let wallet = try await house.genesisWallet()
      await wallet.lock()
      #expect(try await wallet.entries.map(\.account) == [genesis])
      await #expect(throws: WalletFailure.locked) {
        try await wallet.send(from: genesis, to: .burn, amount: TestHouse.smn(1))
      }
      await #expect(throws: WalletFailure.wrongPassword) {
        try await wallet.unlock(password: .text("q"))
      }
      #expect(await !wallet.isUnlocked)
      try await wallet.unlock(password: .text("p"))
      _ = try await wallet.send(from: genesis, to: .burn, amount: TestHouse.smn(1))
    }
  }

  @Test("The words restore the same accounts, those that the ledger knows") func restoring()
    async throws
  {
    let words = try await inHouse { house async throws in
      let wallet = try house.wallet()
      let words = try await wallet.create(password: .text("p"))
      #expect(words.count == 24)
      #expect(try await wallet.words(password: .text("p")) == words)
      return words
    }
    let seed = try Mnemonic.seed(of: words.joined(separator: " "))
    let keys = try #require(DeterministicKeys(master: seed))
    // Money waits for index 3; a wallet restored there finds it.
    let directory = TemporaryDirectory()
    try await inHouse(directory) { house async throws in
      let wallet = try await house.genesisWallet()
      _ = try await wallet.send(from: genesis, to: keys.account(3), amount: TestHouse.smn(1))
    }
    try await inHouse(directory) { house async throws in
      let wallet = try house.wallet { $0.path += "-2" }
      try await wallet.restore(seed: seed, password: .text("p"))
      #expect(try await wallet.entries.map(\.index) == [0, 3])
      #expect(try await wallet.entries.map(\.account) == [keys.account(0), keys.account(3)])
      // What the ledger learns later is found by unlocking.
      let rich = try await house.unlockedGenesis()
      _ = try await rich.send(from: genesis, to: keys.account(7), amount: TestHouse.smn(1))
      try await wallet.unlock(password: .text("p"))
      #expect(try await wallet.entries.map(\.index) == [0, 3, 7])
    }
  }

  @Test("A changed password opens the wallet, the old one does not") func passwordChange()
    async throws
  {
    try await inHouse { house async throws in
      let wallet = try await house.genesisWallet()
      try await wallet.changePassword(from: .text("p"), to: .text("new"))
      await wallet.lock()
      await #expect(throws: WalletFailure.wrongPassword) {
        try await wallet.unlock(password: .text("p"))
      }
      try await wallet.unlock(password: .text("new"))
      await #expect(throws: WalletFailure.walletExists) {
        try await wallet.create(password: .text("p"))
      }
    }
  }

  @Test("An unlocked wallet votes, a locked one does not") func voting() async throws {
    try await inHouse { house async throws in
      let wallet = try await house.genesisWallet { $0.votes = true }
      #expect(await house.node.voters == [genesis])
      let added = try await wallet.addAccount().account
      #expect(await house.node.voters == [genesis, added].sorted())
      await wallet.lock()
      #expect(await house.node.voters.isEmpty)
    }
  }

  @Test("A key without records votes after the operator's word") func admission() async throws {
    try await inHouse { house async throws in
      await house.node.refuse(genesis)
      let wallet = try await house.genesisWallet { $0.votes = true }
      #expect(await house.node.voters.isEmpty)
      #expect(await wallet.refusedVoters == [genesis])
      #expect(try await wallet.voteHere() == [genesis])
      #expect(await wallet.refusedVoters.isEmpty)
      #expect(await house.node.voters == [genesis])
    }
  }

  @Test("A wallet locks by itself when its time is over") func timeout() async throws {
    try await inHouse { house async throws in
      let wallet = try await house.genesisWallet()
      try await wallet.unlock(password: .text("p"), for: .milliseconds(1))
      // Timers of one loop fire in order of their deadlines.
      try await house.loop.sleep(for: .milliseconds(2))
      #expect(await !wallet.isUnlocked)
      // Unlocked again without a time, it stays.
      try await wallet.unlock(password: .text("p"), for: .milliseconds(1))
      try await wallet.unlock(password: .text("p"))
      try await house.loop.sleep(for: .milliseconds(2))
      #expect(await wallet.isUnlocked)
    }
  }

  @Test("Locking lets go of the seed, which wipes it") func wiping() async throws {
    try await inHouse { house async throws in
      let wallet = try house.wallet()
      let seed = WeakSecret()
      try await seed.restore(wallet)
      #expect(seed.isAlive)
      await wallet.lock()
      #expect(!seed.isAlive)
    }
  }

  @Test("A send whose place was taken is made anew only once that is confirmed")
  func replacedSend() async throws {
    try await inHouse { house async throws in
      let wallet = try await house.genesisWallet()
      // As if the node had died between the journal and the ledger.
      let lost = Block(
        account: genesis,
        previous: NetworkParameters.dev.genesisBlock.hash,
        representative: genesis,
        balance: NetworkParameters.dev.supply - TestHouse.smn(1),
        link: Account.burn.bytes,
        height: Height(2),
        on: NetworkParameters.dev.chainID
      )
      try await wallet.note(lost, amount: TestHouse.smn(1), id: "lost")
      let other = try await wallet.addAccount().account
      _ = try await wallet.send(from: genesis, to: other, amount: TestHouse.smn(3))
      let again = try await wallet.send(
        from: genesis,
        to: .burn,
        amount: TestHouse.smn(1),
        id: "lost"
      )
      #expect(again != lost.hash)
      try await wallet.inspect { tables throws in
        #expect(try tables.block(again)?.block.height == Height(3))
        #expect(try tables.totals().burned == TestHouse.smn(1))
      }
      // From here on nothing is confirmed: the account's new representative does not vote.
      _ = try await wallet.setRepresentative(of: genesis, to: other)
      let head = try await wallet.send(from: genesis, to: other, amount: TestHouse.smn(1))
      let second = Block(
        account: genesis,
        previous: try await wallet.previous(of: head),
        representative: genesis,
        balance: TestHouse.smn(1),
        link: Account.burn.bytes,
        height: Height(5),
        on: NetworkParameters.dev.chainID
      )
      try await wallet.note(second, amount: TestHouse.smn(1), id: "undecided")
      await #expect(throws: WalletFailure.undecided(second.hash)) {
        try await wallet.send(
          from: genesis,
          to: .burn,
          amount: TestHouse.smn(1),
          id: "undecided"
        )
      }
    }
  }

  @Test("A wallet receives by itself what is confirmed for it") func automaticReceiving()
    async throws
  {
    try await inHouse { house async throws in
      let wallet = try await house.genesisWallet { $0.receivesAutomatically = true }
      let other = try await wallet.addAccount().account
      await wallet.start()
      let confirmations = house.access.events()
      _ = try await wallet.send(from: genesis, to: other, amount: TestHouse.smn(5))
      for await event in confirmations {
        guard case .confirmed(let block) = event, block.block.account == other else { continue }
        #expect(block.amount == TestHouse.smn(5))
        break
      }
      await wallet.stop()
    }
  }

  @Test("A representative is changed, for one account and for those opened later")
  func representatives() async throws {
    try await inHouse { house async throws in
      let wallet = try await house.genesisWallet()
      let other = try await wallet.addAccount().account
      let third = try await wallet.addAccount().account
      _ = try await wallet.send(from: genesis, to: other, amount: TestHouse.smn(5))
      try await wallet.setDefaultRepresentative(third)
      _ = try await wallet.receive(on: other)
      _ = try await wallet.setRepresentative(of: genesis, to: other)
      await #expect(throws: WalletFailure.sameRepresentative) {
        try await wallet.setRepresentative(of: genesis, to: other)
      }
      try await wallet.inspect { tables throws in
        #expect(try tables.account(other)?.representative == third)
        #expect(try tables.account(genesis)?.representative == other)
      }
    }
  }
}

/// Holds a seed only as long as others do.
private final class WeakSecret: @unchecked Sendable {
  private weak var seed: SecretBytes?

  var isAlive: Bool { seed != nil }

  func restore(_ wallet: Wallet) async throws {
    let seed = SecretBytes.random(32)
    self.seed = seed
    try await wallet.restore(seed: seed, password: .text("p"))
  }
}

extension Wallet {
  func note(_ block: Block, amount: Amount, id: String) throws {
    let entry = SendJournal.Entry(destination: .burn, amount: amount, block: block)
    try journal().put(entry, under: id)
  }

  func previous(of hash: BlockHash) throws -> BlockHash {
    try #require(try read { try $0.block(hash) }).block.previous
  }

  func inspect(_ body: @Sendable (LedgerTables) throws -> Void) throws {
    try read(body)
  }
}
