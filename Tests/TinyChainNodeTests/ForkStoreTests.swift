import Foundation
import Kernel
import Storage
import Testing
import TinyChain

@testable import TinyChainNode

/// Headers upon one another, as far as the store looks at them.
private struct SomeHeaders {
  var entries: [HeaderEntry]

  init() {
    let genesis = NetworkParameters.dev.genesis.header
    entries = [HeaderEntry(genesis, id: genesis.id, work: .zero, anchorTime: 5)]
  }

  /// More of them upon one that is there.
  mutating func extend(_ parent: HeaderEntry, by count: Int, nonce: UInt64 = 0) -> HeaderEntry {
    var parent = parent
    for _ in 0..<count {
      var header = Header(time: 0)
      (header.height, header.parent) = (parent.header.height + 1, parent.id)
      header.nonce = nonce
      let work = parent.work + UInt256(1 + nonce)
      parent = HeaderEntry(header, id: header.id, work: work, anchorTime: 5)
      entries.append(parent)
    }
    return parent
  }
}

@Suite("The store of a chain with forks")
struct ForkStoreTests {
  @Test("Headers are found by id and, on the heaviest branch, by height; also after a restart")
  func headers() throws {
    let place = try Place()
    defer { place.remove() }
    var some = SomeHeaders()
    let trunk = some.extend(some.entries[0], by: 50)
    let left = some.extend(trunk, by: 20)
    let right = some.extend(trunk, by: 15, nonce: 7)
    let path = place.file("chain.sqlite")
    for isAgain in [false, true] {
      let store = try ChainStore(path: path, .dev)
      if !isAgain {
        try store.add(Array(some.entries.prefix(71)))
        try store.setHeaviest(left.id)
        #expect(try store.header(at: 60)?.id == some.entries[60].id)
        try store.add(some.entries)
        try store.setHeaviest(right.id)
      }
      for entry in some.entries { #expect(try store.header(entry.id) == entry) }
      #expect(try store.heaviest() == right)
      #expect(try store.header(at: 50) == trunk)
      #expect(try store.header(at: 51) == some.entries[71])
      #expect(try store.header(at: 66) == nil)
      #expect(try store.heaviest(from: 49, limit: 4).map(\.header.height) == [49, 50, 51, 52])
      #expect(try store.leaves(heavierThan: .zero) == [left, right])
      #expect(try store.leaves(heavierThan: left.work) == [right])
      #expect(try store.header(.zero) == nil)
    }
  }

  @Test("Headers that have left memory are found in the index, those of equal keys too")
  func index() throws {
    let place = try Place()
    defer { place.remove() }
    let store = try ChainStore(path: place.file("chain.sqlite"), .dev)
    // Three values of the key: each row of the index stands for many headers.
    let table = try HeaderTable(of: store.database, tailMax: 10, keyMask: 3)
    var some = SomeHeaders()
    let tip = some.extend(some.entries[0], by: 64)
    try store.transaction {
      for entry in some.entries { try table.add(entry) }
      try table.setHeaviest(tip.id)
    }
    let again = try HeaderTable(of: store.database, tailMax: 10, keyMask: 3)
    for entry in some.entries {
      #expect(try again.entry(of: entry.id) == entry)
      #expect(try again.entry(at: entry.header.height) == entry)
    }
    #expect(try again.entry(of: .zero) == nil)
  }

  @Test("Marks stay, and spread to what descends; a header without its parent is refused")
  func marks() throws {
    let place = try Place()
    defer { place.remove() }
    let path = place.file("chain.sqlite")
    var some = SomeHeaders()
    let fork = some.extend(some.entries[0], by: 2)
    let tip = some.extend(fork, by: 3)
    let other = some.extend(fork, by: 1, nonce: 1)
    do {
      let store = try ChainStore(path: path, .dev)
      try store.add(some.entries)
      try store.markExecuted(some.entries[1].id)
      try store.markInvalid(some.entries[3].id)
      #expect(throws: StorageFailure.self) { try store.markInvalid(.zero) }
      var stranger = tip.header
      stranger.parent = .zero
      #expect(throws: StorageFailure.self) {
        try store.add([HeaderEntry(stranger, id: stranger.id, work: tip.work, anchorTime: 5)])
      }
    }
    let store = try ChainStore(path: path, .dev)
    #expect(try store.header(some.entries[1].id)?.status == .executed)
    #expect(try store.header(tip.id)?.status == .invalid)
    #expect(try store.header(other.id)?.status == .known)
    #expect(try store.leaves(heavierThan: .zero).map(\.id) == [other.id])
  }

  @Test("A transaction that is given up leaves nothing, in memory neither")
  func givenUp() throws {
    struct Given: Error {}
    let place = try Place()
    defer { place.remove() }
    let store = try ChainStore(path: place.file("chain.sqlite"), .dev)
    var some = SomeHeaders()
    let tip = some.extend(some.entries[0], by: 5)
    try store.add([some.entries[0]])
    try store.setHeaviest(some.entries[0].id)
    #expect(throws: Given.self) {
      try store.transaction {
        try store.add(some.entries)
        try store.setHeaviest(tip.id)
        throw Given()
      }
    }
    #expect(try store.header(tip.id) == nil)
    #expect(try store.heaviest()?.id == some.entries[0].id)
    try store.add(some.entries)
    try store.setHeaviest(tip.id)
    #expect(try store.header(at: 5) == tip)
  }

  @Test("A reorganisation is one write: a crash at any byte of it leaves one branch or the other")
  func reorganisation() throws {
    let place = try Place()
    defer { place.remove() }
    let store = try ChainStore(path: place.file("chain.sqlite"), .dev)
    var left = SomeChain()
    var blocks: [ExecutedBlock] = []
    var right = left
    for value in [1, 2, 3] as [UInt64] {
      let block = left.block(
        .transfer,
        to: Address([UInt8](repeating: 9, count: 20)) ?? .zero,
        value: value
      )
      left.chain.append(block)
      blocks.append(block)
      try store.append(block)
    }
    let leftTip = left.chain.tip.id
    try store.database.checkpoint()
    let file = try place.read("chain.sqlite")
    var applied: [ExecutedBlock] = []
    for value in [4, 5, 6, 7] as [UInt64] {
      let block = right.block(
        .transfer,
        to: Address([UInt8](repeating: 8, count: 20)) ?? .zero,
        value: value
      )
      right.chain.append(block)
      applied.append(block)
    }
    try store.transaction {
      for block in blocks.reversed() {
        _ = try store.undoTip(at: block.header.height)
        try store.keepBody(
          block.id,
          height: block.header.height,
          block.transactions.map(\.bytes)
        )
      }
      for block in applied { try store.append(block) }
    }
    #expect(try store.body(of: leftTip) == blocks[2].transactions.map(\.bytes))
    #expect(try store.body(of: right.chain.tip.id) == applied[3].transactions.map(\.bytes))
    #expect(try store.transaction(blocks[0].transactions[0].id) == nil)
    let log = try place.read("chain.sqlite-wal")
    var found: [Bytes32] = []
    for length in stride(from: 32, through: log.count, by: (4096 + 24) / 2) {
      let other = try Place()
      defer { other.remove() }
      try other.write(file, to: "chain.sqlite")
      try other.write(Array(log.prefix(length)), to: "chain.sqlite-wal")
      let chain = try ChainStore(path: other.file("chain.sqlite"), .dev).chain(.dev)
      let expected = chain.tip.id == leftTip ? left.chain : right.chain
      #expect(chain.tip.id == expected.tip.id)
      #expect(chain.state.tree.root == expected.state.tree.root)
      if found.last != chain.tip.id { found.append(chain.tip.id) }
    }
    #expect(found == [leftTip, right.chain.tip.id])
  }

  @Test("Bodies off the chain are kept until they are too deep")
  func bodies() throws {
    let place = try Place()
    defer { place.remove() }
    let store = try ChainStore(path: place.file("chain.sqlite"), .dev)
    let ids = (1...3).map { UInt256($0).bigEndianBytes }
    for (index, id) in ids.enumerated() {
      try store.keepBody(id, height: UInt32(index), [[1, 2], [], [UInt8(index)]])
    }
    #expect(try store.body(of: ids[2]) == [[1, 2], [], [2]])
    try store.removeBodies(below: 2)
    #expect(try store.body(of: ids[1]) == nil)
    #expect(try store.body(of: ids[2]) != nil)
    try store.removeBody(ids[2])
    #expect(try store.body(of: ids[2]) == nil)
  }

  @Test("The book of peers is what was written last")
  func peers() throws {
    let place = try Place()
    defer { place.remove() }
    let store = try ChainStore(path: place.file("chain.sqlite"), .dev)
    try store.setPeers([([1], [2]), ([3], [])])
    try store.setPeers([([3], [4]), ([2], [])])
    #expect(try store.peers().map(\.address) == [[2], [3]])
    #expect(try store.peers().map(\.row) == [[], [4]])
  }
}
