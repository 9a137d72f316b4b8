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
      // A target of half of all hashes for two hashes of work, of an eighth for eight; none for one.
      if nonce > 0 { header.bits = (UInt256.max >> (nonce < 7 ? 1 : 3)).compact }
      let work = parent.work + .work(ofTarget: UInt256(compact: header.bits) ?? .max)
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
    let sizes = HeaderIndex.Sizes(tailMax: 10, segmentBits: 5, keyMask: 3)
    let table = try HeaderTable(of: store.database, sizes)
    var some = SomeHeaders()
    let tip = some.extend(some.entries[0], by: 64)
    try store.transaction {
      for entry in some.entries { try table.add([entry]) }
      try table.setHeaviest(tip.id)
    }
    let again = try HeaderTable(of: store.database, sizes)
    for entry in some.entries {
      #expect(try again.entry(of: entry.id) == entry)
      #expect(try again.entry(at: entry.header.height) == entry)
    }
    #expect(try again.entry(of: .zero) == nil)
  }

  @Test(
    "Headers of one line are stored together; forks, marks and branches begin anywhere in them",
    arguments: [1, 7, 200]
  )
  func runs(together: Int) throws {
    let place = try Place()
    defer { place.remove() }
    let path = place.file("chain.sqlite")
    var some = SomeHeaders()
    let trunk = some.extend(some.entries[0], by: 70)
    let left = some.extend(some.entries[30], by: 50, nonce: 2)
    let right = some.extend(some.entries[33], by: 60, nonce: 1)
    // Of the branch that was there first, when others have come between.
    let longer = some.extend(trunk, by: 40)
    do {
      let store = try ChainStore(path: path, .dev)
      for start in stride(from: 0, to: some.entries.count, by: together) {
        try store.add(Array(some.entries[start...].prefix(together)))
      }
      if together > 100 {
        let rows = try store.database.statement("SELECT count(*) FROM headers").first {
          $0.integer(0)
        }
        #expect(try #require(rows) < 20)
      }
      func stored(to tip: HeaderEntry) throws -> [Bytes32] {
        try (0...tip.header.height).map { try #require(try store.header(at: $0)).id }
      }
      func line(_ tip: HeaderEntry) throws -> [Bytes32] {
        var ids: [Bytes32] = []
        var next: HeaderEntry? = tip
        while let entry = next {
          ids.append(entry.id)
          next = try store.header(entry.header.parent)
        }
        return ids.reversed()
      }
      for tip in [trunk, left, trunk, right, longer, some.entries[40], right, longer, left] {
        try store.setHeaviest(tip.id)
        #expect(try store.heaviest() == tip)
        #expect(try stored(to: tip) == line(tip))
        #expect(try store.header(at: tip.header.height + 1) == nil)
      }
      for entry in some.entries { #expect(try store.header(entry.id) == entry) }
      try store.markExecuted(some.entries[10].id)
      try store.markInvalid(some.entries[32].id)
    }
    let store = try ChainStore(path: path, .dev)
    #expect(try store.heaviest() == left)
    for (index, entry) in some.entries.enumerated() {
      // Upon header 32: the rest of the trunk, the branch from 33, and what goes on from the trunk.
      let isInvalid = index >= 32 && !(71...120).contains(index)
      let expected: HeaderEntry.Status = isInvalid ? .invalid : index == 10 ? .executed : .known
      #expect(try store.header(entry.id)?.status == expected, "\(index)")
    }
    #expect(try store.leaves(heavierThan: .zero).map(\.id) == [some.entries[31].id, left.id])
    #expect(right.header.height == 93)
    #expect(longer.header.height == 110)
  }

  @Test("A file of version 2, with a row for each header, is read on")
  func version2() throws {
    let place = try Place()
    defer { place.remove() }
    let path = place.file("chain.sqlite")
    var some = SomeHeaders()
    let trunk = some.extend(some.entries[0], by: 40)
    let branch = some.extend(some.entries[20], by: 30, nonce: 1)
    do {
      let database = try Database(path: path)
      try database.migrate(by: Array(ChainStore.schema.prefix(2)))
      let genesis = NetworkParameters.dev.genesis
      try database.setMeta("genesis", to: genesis.id.bytes)
      let block = database.statement(
        "INSERT INTO blocks (height, id, header, changes) VALUES (0, ?, ?, x'')"
      )
      try block.run {
        $0.bind(genesis.id)
        $0.bind(genesis.header.bytes)
      }
      let insert = database.statement("INSERT INTO headers VALUES (?, ?, ?, ?, ?, ?)")
      var numbers: [Bytes32: Int] = [:]
      for (index, entry) in some.entries.enumerated() {
        numbers[entry.id] = index + 1
        let work = entry.work.bigEndianBytes.bytes.drop { $0 == 0 }
        try insert.run {
          $0.bind(index + 1)
          $0.bind(numbers[entry.header.parent].map { Int64($0) })
          $0.bind(entry.header.bytes)
          $0.bind(Array(work))
          $0.bind(Int64(entry.anchorTime))
          $0.bind(index == 5 ? 1 : 0)
        }
      }
      let heaviest = database.statement("INSERT INTO heaviest VALUES (?, ?)")
      for index in 0...40 {
        try heaviest.run {
          $0.bind(index)
          $0.bind(index + 1)
        }
      }
    }
    let store = try ChainStore(path: path, .dev)
    for (index, entry) in some.entries.enumerated() {
      var entry = entry
      if index == 5 { entry.status = .executed }
      #expect(try store.header(entry.id) == entry)
    }
    #expect(try store.heaviest() == trunk)
    #expect(try store.header(at: 33) == some.entries[33])
    // And goes on as one of now.
    let tip = some.extend(branch, by: 50, nonce: 1)
    try store.add(some.entries)
    try store.setHeaviest(tip.id)
    #expect(try store.header(at: 60) == some.entries[80])
    #expect(try store.header(at: 20) == some.entries[20])
    #expect(try store.heaviest() == tip)
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
