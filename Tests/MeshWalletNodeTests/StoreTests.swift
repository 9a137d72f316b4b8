import BulletproofsPlus
import Kernel
import Mesh
import Service
import Storage
import TestSupport
import Testing

@testable import MeshWalletNode

@Suite("A wallet's state on disk") struct WalletStoreTests {
  let scene: ReceiptTests.Scene
  let place = TemporaryDirectory()

  init() throws {
    scene = try ReceiptTests.Scene()
  }

  private var path: String { place.path + "/wallet.db" }

  private func open(_ keys: AccountKeys) throws -> WalletStore {
    try WalletStore(at: path, keys: .spending(keys), genesis: scene.genesis)
  }

  @Test("Keys made just now remember all that they signed; without their state they do not")
  func freshness() throws {
    #expect(try open(scene.alice).load().remembersAll == false)
    let other = TemporaryDirectory()
    let fresh = other.path + "/wallet.db"
    try WalletStore.create(at: fresh, account: scene.bob.account)
    let store = try WalletStore(at: fresh, keys: .spending(scene.bob), genesis: scene.genesis)
    #expect(try store.load().remembersAll)
    try store.commit([WalletChange([.setRemembersAll(false)])])
    #expect(try store.load().remembersAll == false)
  }

  @Test("A pending transition, its settlement and what comes in are found again, with openings")
  func roundTrip() throws {
    let store = try open(scene.alice)
    let certificate = try scene.certificate(30)
    let transition = try #require(certificate.transition)
    let memo = try #require(scene.alice.view.open(transition.body))
    let pending = WalletState.Pending(transition: transition, balance: memo.balance)
    try store.commit([WalletChange([.setPending(pending)])])
    var state = try open(scene.alice).load()
    #expect(state.pending?.transition == transition)
    #expect(state.pending?.balance.value == 70)
    #expect(state.balance.value == 100)
    try store.commit([WalletChange([.settle(certificate, memo.balance)])])
    state = try open(scene.alice).load()
    #expect(state.pending == nil)
    #expect(state.head == certificate.hash)
    #expect(state.balance.value == 70)
    #expect(state.nextSequence == SequenceNumber(1))
  }

  @Test("Income is found again in its order, and what is claimed is known as such")
  func income() throws {
    let store = try open(scene.bob)
    let references = try receive([30, 31], into: store)
    try store.commit([WalletChange([.markClaimed([references[0]])])])
    let state = try open(scene.bob).load()
    #expect(state.incoming.map(\.reference) == references)
    #expect(state.incoming.map(\.payment.amount) == [Amount(30), Amount(31)])
    #expect(state.claimable.map(\.reference) == [references[1]])
  }

  /// Payments of Alice to Bob, each noted twice.
  private func receive(_ amounts: [UInt64], into store: WalletStore) throws -> [OutputReference] {
    try amounts.map { units in
      let certificate = try scene.certificate(units)
      let output = certificate.signed.body.outputs[0]
      let payment = try #require(
        scene.bob.view.incoming.open(
          output,
          at: 0,
          of: certificate.slot,
          on: scene.genesis.id
        )
      )
      let incoming = WalletState.Incoming(
        reference: OutputReference(source: certificate.hash, index: 0),
        payment: payment,
        certificate: certificate
      )
      // Twice is once.
      let change = WalletChange([.putIncoming(incoming)])
      try store.commit([change, change])
      return incoming.reference
    }
  }

  @Test(
    "What was opened once is read again, not opened; of an earlier version once more, and then kept"
  )
  func openings() throws {
    let references = try receive([30, 31, 32], into: try open(scene.bob))
    func load(opening count: Int) throws {
      let store = try open(scene.bob)
      let state = try store.load()
      #expect(store.openedCount == count)
      #expect(state.incoming.map(\.reference) == references)
      #expect(state.incoming.map(\.payment.amount) == [Amount(30), Amount(31), Amount(32)])
      for incoming in state.incoming {
        let output = incoming.certificate.signed.body.outputs[0]
        #expect(Commitment(incoming.payment.opening) == output.commitment)
        #expect(incoming.payment.memo == .text("thanks"))
      }
    }
    try load(opening: 0)
    let database = try Database(path: path)
    try database.execute("UPDATE incoming SET opening = NULL WHERE number > 1")
    try load(opening: 2)
    try load(opening: 0)
    // Another row's, and a damaged one: no harm, as the keys open the output itself.
    try database.execute(
      "UPDATE incoming SET opening = (SELECT opening FROM incoming WHERE number = 2) WHERE number = 1"
    )
    try database.execute("UPDATE incoming SET opening = x'0102' WHERE number = 3")
    try load(opening: 2)
    try load(opening: 0)
  }

  @Test("What payers said, and how much, does not stand in the payee's file") func sealedIncome()
    throws
  {
    let store = try open(scene.bob)
    _ = try receive([30], into: store)
    let payment = try #require(try store.load().incoming.first?.payment)
    let blinding = payment.opening.blinding.encoding.bytes
    let bytes = try PrivateFileBytes.read(path) + (try PrivateFileBytes.read(path + "-wal"))
    #expect(!bytes.contains(sequence: Array(blinding.prefix(16))))
    #expect(!bytes.contains(sequence: Array("thanks".utf8)))
  }

  @Test("No amount and no opening stands in the file") func secrecy() throws {
    let store = try open(scene.alice)
    let certificate = try scene.certificate(30)
    let memo = try #require(scene.alice.view.open(certificate.signed.body))
    try store.commit([WalletChange([.settle(certificate, memo.balance)])])
    let blinding = memo.balance.blinding.encoding.bytes
    let bytes =
      try PrivateFileBytes.read(path) + (try PrivateFileBytes.read(path + "-wal"))
    #expect(bytes.count > 1000)
    #expect(!bytes.contains(sequence: Array(blinding.prefix(16))))
    #expect(bytes.contains(sequence: Array(certificate.hash.bytes.bytes)) == false)
    #expect(bytes.contains(sequence: certificate.encoded))
  }

  @Test("Another account's state, another network's and damage are each told by name")
  func mistakes() throws {
    let store = try open(scene.alice)
    let certificate = try scene.certificate(30)
    let memo = try #require(scene.alice.view.open(certificate.signed.body))
    try store.commit([WalletChange([.settle(certificate, memo.balance)])])
    #expect(problem { try open(scene.bob) } == .stateFailed)
    let elsewhere = try ReceiptTests.Scene(name: "elsewhere")
    #expect(
      problem {
        try WalletStore(at: path, keys: .spending(scene.alice), genesis: elsewhere.genesis)
      } == .otherNetwork
    )
    let database = try Database(path: path)
    try database.execute("UPDATE own SET certificate = x'00'")
    #expect(throws: StorageFailure.self) { try open(scene.alice).load() }
  }
}

private enum PrivateFileBytes {
  static func read(_ path: String) throws -> [UInt8] {
    try PrivateFile.read(path, bytesMax: 1 << 24)
  }
}

extension [UInt8] {
  fileprivate func contains(sequence: [UInt8]) -> Bool {
    guard sequence.count <= count else { return false }
    return (0...(count - sequence.count)).contains { start in
      self[start] == sequence[0] && Array(self[start..<start + sequence.count]) == sequence
    }
  }
}
