import Kernel
import Testing

@testable import TinyChain

@Suite("Rules of headers")
struct HeaderRuleTests {
  @Test("A header by the rules is taken, and is no news the second time")
  func valid() throws {
    var test = TestTree()
    let header = try test.next()
    let entry = try #require(try test.add(header))
    #expect(entry.header == header)
    #expect(entry.id == header.id)
    #expect(entry.work == UInt256(16))
    #expect(entry.status == .known)
    #expect(try test.add(header) == nil)
    #expect(test.tree.best == entry)
    #expect(test.tree.executed == test.tree.genesis)
  }

  /// One thing wrong with a header; and what is said, though all later rules are broken with it.
  struct Wrong: Sendable, CustomTestStringConvertible {
    let rejection: Rejection
    let change: @Sendable (inout Header) -> Void

    var testDescription: String { "\(rejection)" }
  }

  /// In the order of the checks.
  static let wrongs = [
    Wrong(rejection: .wrongParent) { $0.parent = Bytes32(words: (1, 2, 3, 4)) },
    Wrong(rejection: .wrongVersion) { $0.version = 2 },
    Wrong(rejection: .wrongHeight) { $0.height += 1 },
    Wrong(rejection: .wrongTime) { $0.time -= 300 },
    Wrong(rejection: .wrongBits) { $0.bits -= 1 },
    Wrong(rejection: .wrongWork) { $0.nonce = 0 },
    Wrong(rejection: .timeTooFar) { $0.time += 2_000_000 },
  ]

  @Test("Each broken rule is told by its code", arguments: wrongs)
  func rules(wrong: Wrong) throws {
    var test = TestTree()
    try test.grow(20)
    let header = try test.next(test.tree.best.id, wrong.change)
    #expect(throws: wrong.rejection) { try test.add(header) }
    #expect(test.tree.best.header.height == 20)
    #expect(test.tree.entry(of: header.id) == nil)
  }

  @Test("Of several broken rules the first is told")
  func order() throws {
    var test = TestTree()
    try test.grow(20)
    // A time cannot be both too early and too far ahead.
    let wrongs = Self.wrongs.filter { $0.rejection != .timeTooFar }
    for index in wrongs.indices {
      let header = try test.next(test.tree.best.id) { header in
        for wrong in wrongs[index...] { wrong.change(&header) }
      }
      #expect(throws: wrongs[index].rejection) { try test.add(header) }
    }
    for (count, rejection) in [(3, Rejection.wrongBits), (2, .wrongWork), (1, .timeTooFar)] {
      let header = try test.next(test.tree.best.id) { header in
        for wrong in Self.wrongs.suffix(count) { wrong.change(&header) }
      }
      #expect(throws: rejection) { try test.add(header) }
    }
  }

  @Test("The sequencer alone says the same of a header and its past")
  func sequencer() throws {
    var test = TestTree()
    try test.grow(20)
    let past = try #require(test.tree.lineage(of: test.tree.best.id))
    let good = try test.next()
    #expect(throws: Never.self) { try test.tree.sequencer.check(good, after: past, at: test.now) }
    for wrong in Self.wrongs {
      let header = try test.next(test.tree.best.id, wrong.change)
      #expect(throws: wrong.rejection) {
        try test.tree.sequencer.check(header, after: past, at: test.now)
      }
    }
  }

  @Test("A time has to be after the middle of the last eleven")
  func median() throws {
    var test = TestTree()
    // Genesis and 11 more; times as honest clocks give them, all out of order.
    let start = test.parameters.genesisTime
    for offset: UInt64 in [100, 400, 200, 350, 300, 310, 390, 320, 360, 330, 380] {
      try test.add(try test.next { $0.time = start + offset })
    }
    // Sorted: 100 200 300 310 320 *330* 350 360 380 390 400.
    let past = try #require(test.tree.lineage(of: test.tree.best.id))
    #expect(past.times.count == 11)
    #expect(past.medianTime == start + 330)
    #expect(throws: Rejection.wrongTime) {
      try test.add(try test.next { $0.time = start + 330 })
    }
    let early = test.tree.sequencer.draft(after: past, at: start, for: .zero)
    #expect(early.time == start + 331)
    try test.add(try test.next { $0.time = start + 331 })
  }

  @Test("With fewer than eleven blocks the middle is of those there are")
  func medianOfFew() throws {
    var test = TestTree()
    let start = test.parameters.genesisTime
    #expect(throws: Rejection.wrongTime) { try test.add(try test.next(seconds: 0)) }
    try test.add(try test.next(seconds: 10))
    // Of two the later.
    #expect(throws: Rejection.wrongTime) { try test.add(try test.next { $0.time = start + 10 }) }
    try test.add(try test.next { $0.time = start + 11 })
    #expect(throws: Rejection.wrongTime) { try test.add(try test.next { $0.time = start + 10 }) }
    #expect(test.tree.lineage(of: test.tree.best.id)?.medianTime == start + 10)
  }

  @Test("A time may be 60 seconds ahead of our clock; beyond, the header may be right later")
  func ahead() throws {
    var test = TestTree()
    test.now = test.parameters.genesisTime + 100
    #expect(throws: Rejection.timeTooFar) { try test.add(try test.next(seconds: 161)) }
    #expect(Rejection.timeTooFar.isTransient)
    let header = try test.next(seconds: 161)
    test.now += 1
    #expect(try test.add(header) != nil)
  }

  @Test(
    "Bits that mean no target, or a target above the limit, are wrong bits",
    arguments: [0, 0x0100_0001, 0x0480_0000, 0xff12_3456, 0x2100_ffff, 0x1f0f_fff0] as [UInt32]
  )
  func bits(bits: UInt32) throws {
    var test = TestTree()
    #expect(throws: Rejection.wrongBits) { try test.add(try test.next { $0.bits = bits }) }
  }

  @Test("Headers after an invalid one are refused without blame, for its relay need not know")
  func invalidBranch() throws {
    var test = TestTree()
    let entries = try test.grow(5)
    let next = try test.next()
    test.markInvalid(entries[2])
    #expect(throws: Rejection.invalidBranch) { try test.add(next) }
    #expect(throws: Rejection.invalidBranch) { try test.add(entries[2].header) }
    #expect(throws: Rejection.invalidBranch) { try test.add(entries[4].header) }
    #expect(try test.add(entries[1].header) == nil)
    #expect(Rejection.invalidBranch.blame == .place)
    #expect(!Rejection.invalidBranch.isTransient)
  }
}
