import Kernel
import Testing

@testable import TinyChain

@Suite("Work and its targets")
struct WorkRuleTests {
  /// Of blocks at these heights and times, after an anchor; as Bitcoin Cash published them.
  struct Run: Sendable, CustomTestStringConvertible {
    let name: String
    let anchor: UInt32
    var parentTime: Int64 = 0
    var start: Int64 = 2
    let rows: [(height: Int64, time: Int64, bits: UInt32)]

    var testDescription: String { name }
  }

  @Test(
    "ASERT's targets are those that aserti3-2d was published with",
    arguments: [
      Run(
        name: "run01, steady at the limit",
        anchor: 0x1d00_ffff,
        rows: (2...11).map { ($0, $0 * 600, 0x1d00_ffff) }
      ),
      Run(
        name: "run02, steady below it",
        anchor: 0x1a2b_3c4d,
        rows: (2...11).map { ($0, $0 * 600, 0x1a2b_3c4d) }
      ),
      Run(
        name: "run04, doubling from the least target",
        anchor: 0x0101_0000,
        rows: [
          (2, 174_000, 0x0102_0000), (3, 347_400, 0x0104_0000), (7, 1_041_000, 0x0140_0000),
          (8, 1_214_400, 0x0200_8000), (16, 2_601_600, 0x0300_8000), (17, 2_775_000, 0x0301_0000),
          (100, 17_167_200, 0x0d08_0000), (128, 22_022_400, 0x1100_8000),
          (224, 38_668_800, 0x1d00_8000), (225, 38_842_200, 0x1d00_ffff),
          (226, 39_015_600, 0x1d00_ffff),
        ]
      ),
      Run(
        name: "run05, halving from the limit to the least",
        anchor: 0x1d00_ffff,
        rows: [
          (2, 0, 0x1d00_fec5), (290, 0, 0x1c7f_62c0), (578, 0, 0x1c3f_b160),
          (2_594, 0, 0x1b7f_62c0), (28_514, 0, 0x101f_d8b0), (60_194, 0, 0x027f_6200),
          (62_210, 0, 0x0200_fe00), (62_498, 0, 0x017f_0000), (63_938, 0, 0x0103_0000),
          (64_226, 0, 0x0101_0000), (64_514, 0, 0x0101_0000),
        ]
      ),
      Run(
        name: "run06, random times at a stable hash rate",
        anchor: 0x1802_aee8,
        rows: [
          (2, 1_200, 0x1802_aee8), (3, 1_310, 0x1802_ad91), (9, 7_099, 0x1802_b39c),
          (101, 63_201, 0x1802_b620), (189, 115_930, 0x1802_b5ed), (309, 196_875, 0x1802_cf55),
          (400, 243_817, 0x1802_b988), (558, 343_767, 0x1802_c81d), (620, 378_438, 0x1802_c0ec),
        ]
      ),
      Run(
        name: "run08, random times at a falling hash rate",
        anchor: 0x1802_aee8,
        rows: [
          (12, 9_595, 0x1802_b58d), (88, 207_289, 0x1804_fca6), (137, 590_605, 0x1814_9fab),
          (189, 1_143_129, 0x1900_a6ef), (281, 2_529_858, 0x1a00_881c),
          (352, 3_950_808, 0x1b00_85ea), (470, 6_562_409, 0x1c36_867c),
          (481, 6_842_136, 0x1d00_a31a), (484, 6_930_238, 0x1d00_e688),
          (485, 6_993_399, 0x1d00_ffff),
        ]
      ),
      Run(
        name: "run09, heights beyond 31 bits",
        anchor: 0x1802_aee8,
        parentTime: 1_234_567_290,
        start: 2_147_483_643,
        rows: [
          (2_147_483_643, 1_234_568_190, 0x1802_ae16), (2_147_483_647, 1_234_569_390, 0x1802_aacd),
          (2_147_483_648, 1_234_569_690, 0x1802_a9fa), (2_147_483_652, 1_234_570_890, 0x1802_a6b7),
        ]
      ),
      Run(
        name: "run10, times beyond 31 bits",
        anchor: 0x1802_aee8,
        parentTime: 2_147_483_047,
        rows: [
          (2, 2_147_484_547, 0x1802_afbb), (6, 2_147_488_147, 0x1802_b30e),
          (7, 2_147_489_047, 0x1802_b3e5), (11, 2_147_492_647, 0x1802_b73d),
        ]
      ),
    ]
  )
  func asert(run: Run) throws {
    let limit = try #require(UInt256(compact: 0x1d00_ffff))
    let anchor = try #require(UInt256(compact: run.anchor))
    let rule = WorkRule(.sha256d, .asert(halfLife: 172_800), interval: 600, limit: limit)
    for (height, time, bits) in run.rows {
      let late = time - run.parentTime - 600 * (height - run.start + 2)
      #expect(rule.asert(anchor, late: late, halfLife: 172_800).compact == bits, "\(height)")
    }
  }

  @Test(
    "ASERT ends at the limit and at one, however late or early blocks are, and whatever the limit"
  )
  func asertEnds() {
    for limit in [UInt256.max, .max >> 1, .max >> 20, .one << 200] {
      let rule = WorkRule(.sha256d, .asert(halfLife: 3_600), interval: 15, limit: limit)
      for late: Int64 in [1, 3_599, 3_600, 3_600 * 255, 3_600 * 300, 1 << 40] {
        #expect(rule.asert(limit, late: late, halfLife: 3_600) == limit)
        #expect(rule.asert(.one, late: -late, halfLife: 3_600) == .one)
        #expect(rule.asert(.one, late: late, halfLife: 3_600) <= limit)
        #expect(rule.asert(limit, late: -late, halfLife: 3_600) < limit)
      }
      #expect(rule.asert(.one, late: 3_600 * 100, halfLife: 3_600) == .one << 100)
      #expect(rule.asert(.one, late: 3_600 * 300, halfLife: 3_600) == limit)
    }
  }

  @Test("Block 1 has the target that the genesis block names, and ASERT counts from its time")
  func anchor() throws {
    var test = TestTree()
    let bits = test.rule.limit.compact
    #expect(test.tree.genesis.header.bits == bits)
    let late = try test.grow(1, seconds: 500_000)[0]
    #expect(late.header.bits == bits)
    #expect(late.anchorTime == late.header.time)
    let early = try test.grow(241, seconds: 1, nonce: 2)
    #expect(early.allSatisfy { $0.anchorTime == late.header.time })
    #expect(early[0].header.bits == bits)
    let seconds = 240 * 15 - 240
    let anchor = try #require(UInt256(compact: bits))
    let expected = test.rule.asert(anchor, late: -Int64(seconds), halfLife: 3_600)
    #expect(early[240].header.bits == expected.compact)
    // Another block 1 is another anchor.
    let other = try test.grow(2, from: test.tree.genesis.id, seconds: 20, nonce: 3)
    #expect(other[1].anchorTime == test.parameters.genesisTime + 20)
  }

  @Test(
    "After ten blocks the epoch rule sets the target by the time they took, from a quarter to four times",
    arguments: [(16, 1, 1), (32, 2, 1), (64, 4, 1), (1_000, 4, 1), (8, 1, 2), (1, 1, 4)]
  )
  func epoch(seconds: UInt64, factor: UInt64, divisor: UInt64) throws {
    var rule = TestTree.rule(.simulated, .epoch)
    (rule.interval, rule.start) = (16, (UInt256.max >> 20).compact)
    var test = TestTree(rule)
    let first = try test.grow(10, seconds: seconds)
    #expect(first.allSatisfy { $0.header.bits == rule.start })
    let second = try test.grow(11, seconds: 16)
    let start = try #require(UInt256(compact: rule.start))
    let expected = start.quotientAndRemainder(dividingBy: divisor).quotient
      .multipliedFullWidth(by: factor).low
    #expect(second[..<10].allSatisfy { $0.header.bits == expected.compact })
    // Ten intervals as they should be: from the 10th block to the 20th, none twice and none left out.
    #expect(second[10].header.bits == second[9].header.bits)
  }

  @Test("The epoch rule does not go beyond the limit; a time that went back counts as the least")
  func epochEnds() throws {
    var test = TestTree(TestTree.rule(.simulated, .epoch))
    let entries = try test.grow(21, seconds: 1_000)
    #expect(entries.allSatisfy { $0.header.bits == test.rule.limit.compact })
    var rule = TestTree.rule(.simulated, .epoch)
    rule.interval = 16
    var back = TestTree(rule)
    try back.grow(19, seconds: 16)
    // The 20th is earlier than the 10th, which the median of 11 allows no honest chain to be by much.
    let times = try #require(back.tree.lineage(of: back.tree.best.id)).times
    var entry = back.tree.best
    entry = HeaderEntry(
      try back.next { $0.time = times[9] - 1 },
      id: .zero,
      work: entry.work,
      anchorTime: 0
    )
    let past = Lineage(tip: entry, times: [entry.header.time] + times.prefix(10))
    let quarter = back.rule.limit.quotientAndRemainder(dividingBy: 4).quotient
    #expect(back.rule.bits(after: past) == quarter.compact)
  }

  @Test("Work is counted from the target, not from the hash that was found")
  func luckyHash() throws {
    var test = TestTree(TestTree.rule(.sha256d))
    var lucky: HeaderEntry?
    // By luck some of these hashes are far below their target.
    for nonce: UInt64 in 0..<20_000 {
      let header = try test.next(test.tree.genesis.id, nonce: nonce)
      guard UInt256(bigEndian: header.id) <= .max >> 4 else { continue }
      let entry = try #require(try test.add(header))
      #expect(entry.work == UInt256(16))
      if lucky.map({ entry.id < $0.id }) ?? true { lucky = entry }
    }
    let luckiest = try #require(lucky)
    #expect(UInt256(bigEndian: luckiest.id) < .max >> 12)
    // One more block outweighs all the luck.
    let plain = try #require(test.tree.leaves.first { $0.id != luckiest.id })
    var nonce: UInt64 = 0
    while try test.next(plain.id, nonce: nonce).id > (UInt256.max >> 5).bigEndianBytes {
      nonce += 1
    }
    try test.add(try test.next(plain.id, nonce: nonce))
    #expect(test.tree.best.header.parent == plain.id)
  }

  @Test(
    "What is compared with the target: the id, Poseidon2 of the header, or that there is a nonce",
    arguments: [WorkRule.Hash.sha256d, .poseidon2, .simulated]
  )
  func digests(hash: WorkRule.Hash) throws {
    var test = TestTree(TestTree.rule(hash))
    let rule = test.rule
    var (accepted, refused) = (0, 0)
    for nonce: UInt64 in 0..<64 {
      let header = try test.next(test.tree.genesis.id, nonce: nonce)
      let digest = rule.digest(of: header, id: header.id)
      if digest <= rule.limit {
        try test.add(header)
        accepted += 1
      } else {
        #expect(throws: Rejection.wrongWork) { try test.add(header) }
        refused += 1
      }
      if hash == .sha256d { #expect(digest.bigEndianBytes == header.id) }
      if hash == .poseidon2 { #expect(digest.low & 0xff == 0) }
    }
    #expect(accepted > 0)
    #expect(refused > 0)
  }

  @Test("Coins of a block are halved after 8,409,600 blocks: of that height, not of the one before")
  func subsidy() {
    let network = NetworkParameters.minedDev
    for (height, units): (UInt32, UInt64) in [
      (1, 5_000_000_000), (8_409_599, 5_000_000_000), (8_409_600, 2_500_000_000),
      (16_819_199, 2_500_000_000), (16_819_200, 1_250_000_000), (8_409_600 * 32, 1),
      (8_409_600 * 33, 0), (8_409_600 * 64, 0), (.max, 0),
    ] {
      #expect(network.subsidy(at: height) == units, "\(height)")
    }
  }
}
