import Foundation
import Kernel
import Storage
import Testing
import TinyChain

@testable import TinyChainNode

@Suite("The store of a chain")
struct ChainStoreTests {
  /// A store with some blocks, and the chain after each of them.
  private func filled(_ place: Place, blocks: Int = 6) throws -> (ChainStore, [Chain]) {
    let store = try ChainStore(path: place.file("chain.sqlite"), .dev)
    var some = SomeChain()
    var chains = [some.chain]
    let creation = some.block(.createBrainfuck, data: SomeChain.counter)
    let contract = try #require(Address(creation.executions[0].output))
    for number in 0..<blocks {
      let block = number == 0 ? creation : some.block(.call, to: contract)
      try store.append(block)
      some.chain.append(block)
      chains.append(some.chain)
    }
    return (store, chains)
  }

  @Test("What was stored is what is read: chain, blocks, transactions, receipts")
  func roundTrip() throws {
    let place = try Place()
    defer { place.remove() }
    let (store, chains) = try filled(place)
    let again = try ChainStore(path: place.file("chain.sqlite"), .dev).chain(.dev)
    #expect(again.tip.id == chains[6].tip.id)
    #expect(again.state.tree.root == chains[6].state.tree.root)
    let block = try #require(try store.block(at: 2))
    let bytes = try #require(block.transactions.first)
    let signed = try SignedTransaction(bytes)
    let found = try #require(try store.transaction(signed.id))
    #expect(found.height == 2)
    #expect(found.output == [1, 0])
    #expect(try store.receipts(at: 2) == [found.receipt])
    #expect(MerkleTree(list: [found.receipt]).root == block.header.receiptRoot)
    #expect(try store.height(of: block.id) == 2)
    #expect(try store.headers(from: 1, count: 3).map(\.height) == [1, 2, 3])
    #expect(try store.block(at: 99) == nil)
  }

  @Test("Undoing each block restores the one before it, down to the genesis block")
  func undo() throws {
    let place = try Place()
    defer { place.remove() }
    let (store, chains) = try filled(place)
    var chain = chains[6]
    for height in (1...6).reversed() {
      let (changes, parent) = try store.undoTip(at: UInt32(height))
      chain.undo(changes, to: parent.header, id: parent.id)
      #expect(chain.state.tree.root == chains[height - 1].state.tree.root)
      #expect(try store.chain(.dev).tip.id == chains[height - 1].tip.id)
    }
    #expect(throws: StorageFailure.self) { try store.undoTip(at: 0) }
  }

  @Test("A crash at any write leaves the chain before a block or after it, never between")
  func crashes() throws {
    let place = try Place()
    defer { place.remove() }
    // Both stay open, so that nothing is moved from the log into the file.
    let (store, chains) = try filled(place)
    let file = try place.read("chain.sqlite")
    let log = try place.read("chain.sqlite-wal")
    _ = store
    // The log is what was written, in order: a crash leaves some part of it from the beginning.
    let frame = 4096 + 24
    var heights: Set<UInt32> = []
    var last: UInt32 = 0
    for length in stride(from: 32, through: log.count, by: frame / 2) {
      let other = try Place()
      defer { other.remove() }
      try other.write(file, to: "chain.sqlite")
      try other.write(Array(log.prefix(length)), to: "chain.sqlite-wal")
      let found = try ChainStore(path: other.file("chain.sqlite"), .dev).chain(.dev)
      let height = found.tip.header.height
      #expect(found.tip.id == chains[Int(height)].tip.id)
      #expect(found.state.tree.root == chains[Int(height)].state.tree.root)
      #expect(height >= last)
      last = height
      heights.insert(height)
    }
    #expect(heights == Set(0...6))
  }

  @Test("A disk that is full fails a block with a reason, and keeps the chain as it was")
  func fullDisk() throws {
    let place = try Place()
    defer { place.remove() }
    let path = place.file("chain.sqlite")
    let (_, chains) = try filled(place)
    let store = try ChainStore(path: path, .dev, pagesMax: 1)
    var some = SomeChain()
    some.chain = chains[6]
    let block = some.block(
      .createBrainfuck,
      data: BrainfuckCode(
        mode: .raw,
        program: try BrainfuckProgram(source: [UInt8](repeating: 43, count: 60_000))
      ).bytes
    )
    do {
      try store.append(block)
      Issue.record("there was room")
    } catch let failure as StorageFailure {
      #expect(failure.problem == .full)
    }
    #expect(try store.chain(.dev).tip.id == chains[6].tip.id)
  }

  @Test("The chain of another network is refused by name")
  func otherNetwork() throws {
    let place = try Place()
    defer { place.remove() }
    _ = try filled(place)
    var other = NetworkParameters.dev
    other.genesisTime += 1
    do {
      _ = try ChainStore(path: place.file("chain.sqlite"), other)
      Issue.record("it was taken")
    } catch let failure as StorageFailure {
      #expect(failure.problem == .foreign("this is the chain of another network"))
    }
  }

  @Test("A journal reads back as it was, and its parts are refused")
  func journal() throws {
    let changes = [
      StateChange(key: [1], before: nil, after: [2, 3]),
      StateChange(key: [1, 2], before: [], after: nil),
    ]
    let bytes = StateJournal.bytes(of: changes)
    #expect(try StateJournal.changes(of: bytes) == changes)
    for count in 1..<bytes.count where count != 11 {
      #expect(throws: DecodingFailure.self) { try StateJournal.changes(of: Array(bytes[..<count])) }
    }
  }
}
