import Kernel
import MeshNode
import Storage
import TestSupport
import Testing

@testable import Mesh

@Suite("A validator's file")
struct StoreTests {
  /// Drives a store and the model with the same changes; at random commits, and at random loses what
  /// was not committed, as a crash does.
  @Test(
    "It answers as the model does, whatever crashes in between",
    arguments: 1...6 as ClosedRange<UInt64>
  )
  func model(seed: UInt64) throws {
    // Without first balances, which the file writes by itself.
    let net = try TestNet(owners: 0)
    let place = TemporaryDirectory()
    var changes = RandomChanges(net, seed: seed)
    func open() throws -> SQLiteMeshStore {
      // Few are remembered, so that some reads go to the file.
      try SQLiteMeshStore(path: place.file("ledger.sqlite"), genesis: net.genesis, recentMax: 2)
    }
    var current: SQLiteMeshStore? = try open()
    var model = MemoryStore()
    var durable = (model, changes.memory)
    for step in 0..<120 {
      let store = try current ?? open()
      current = store
      let change = changes.next()
      store.apply(change)
      model.apply(change)
      switch changes.below(6) {
      case 0, 1:
        try store.commit()
        durable = (model, changes.memory)
      case 2:
        model = durable.0
        changes.forget(back: durable.1)
        current = nil
      default: break
      }
      // Closed without a word, as by kill -9: the next one finds what was committed.
      guard current != nil else { continue }
      if step % 8 == 0 {
        #expect(changes.difference(store, model) == nil, "seed \(seed), step \(step)")
      }
    }
    let store = try current ?? open()
    try store.commit()
    #expect(changes.difference(store, model) == nil)
    #expect(!store.hasFailed)
  }

  @Test("A ledger in a file and one in memory come to the same digest, and the file keeps it")
  func digest() throws {
    let net = try TestNet()
    let place = TemporaryDirectory()
    let store = try SQLiteMeshStore(path: place.file("ledger.sqlite"), genesis: net.genesis)
    let onDisk = Ledger(store: store, genesis: net.genesis)
    let inMemory = Ledger(store: MemoryStore(), genesis: net.genesis)
    // Written when the file was tied to the network, account by account.
    #expect(onDisk.genesisChange == nil)
    #expect(inMemory.genesisChange != nil)
    #expect(store.totals == inMemory.store.totals)
    #expect(onDisk.digest() == inMemory.digest())
    #expect(onDisk.isSupplyIntact())
    try store.commit()
    let reader = try SQLiteMeshStore(reading: place.file("ledger.sqlite"), genesis: net.genesis)
    let read = Ledger(store: reader, genesis: net.genesis)
    #expect(read.genesisChange == nil)
    #expect(read.digest() == inMemory.digest())
    #expect(reader.counts() == reader.totals)
  }

  @Test("A file of another network, of no network or of another program is refused by what it is")
  func foreign() throws {
    let net = try TestNet()
    let place = TemporaryDirectory()
    let path = place.file("ledger.sqlite")
    try SQLiteMeshStore.create(path: path)
    func problem(_ open: () throws -> SQLiteMeshStore) -> String {
      do {
        _ = try open()
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(
      problem { try SQLiteMeshStore(reading: path, genesis: net.genesis) }
        .contains("belongs to no network yet")
    )
    _ = try SQLiteMeshStore(path: path, genesis: net.genesis)
    #expect(try SQLiteMeshStore(reading: path, genesis: net.genesis).totals.accounts == 2)
    let renamed = try TestNet(name: "another")
    #expect(
      problem { try SQLiteMeshStore(path: path, genesis: renamed.genesis) }
        .contains("belongs to the network mesh-test, not to another")
    )
    let remade = try TestNet(owners: 1)
    #expect(
      problem { try SQLiteMeshStore(path: path, genesis: remade.genesis) }
        .contains("another network of the name mesh-test")
    )
    place.write(Array(repeating: 7, count: 5000), to: "garbage")
    #expect(
      problem { try SQLiteMeshStore(path: place.file("garbage"), genesis: net.genesis) }
        .contains("not a database")
    )
  }

  @Test("That a file was made for a key that may have voted is not forgotten")
  func follower() throws {
    let net = try TestNet()
    let place = TemporaryDirectory()
    let path = place.file("ledger.sqlite")
    try SQLiteMeshStore.create(path: path, followsOnly: true)
    #expect(try SQLiteMeshStore(path: path, genesis: net.genesis).followsOnly)
    #expect(try SQLiteMeshStore(path: path, genesis: net.genesis).followsOnly)
    try SQLiteMeshStore.create(path: place.file("new"))
    #expect(try !SQLiteMeshStore(path: place.file("new"), genesis: net.genesis).followsOnly)
  }
}
