import Kernel
import Testing

@testable import SmallNano

@Suite("Work")
struct WorkGeneratorTests {
  /// libsodium's BLAKE2b.
  private func value(_ nonce: UInt64, _ root: Bytes32) -> UInt64 {
    var hash = BLAKE2b(capacity: 40)
    hash.update(integer: nonce)
    hash.update(root)
    return hash.finalize(size: 8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  @Test("The Swift path computes the value that libsodium computes")
  func portableValue() {
    var random = SplitMix64(seed: 1)
    for _ in 0..<2000 {
      let root = randomBytes32(&random)
      let nonce = random.next()
      #expect(PortableWork(root: root).value(of: nonce) == value(nonce, root))
    }
    #expect(PortableWork(root: .zero).value(of: .max) == value(.max, .zero))
  }

  @Test(
    "Every path this processor has finds the first good nonce",
    arguments: WorkGenerator.Path.allCases
  )
  func firstNonce(path: WorkGenerator.Path) throws {
    guard let generator = WorkGenerator(path: path) else { return }  // not on this processor
    var random = SplitMix64(seed: 2)
    for round in 0..<300 {
      let root = randomBytes32(&random)
      // Starts near the end of the range too, where nonces wrap.
      let first = round % 3 == 0 ? UInt64.max - UInt64(round % 20) : random.next()
      let threshold: UInt64 = round % 2 == 0 ? 0xf000_0000_0000_0000 : 0xfe00_0000_0000_0000
      let count = UInt64.random(in: 0...100, using: &random)
      let expected = (0..<count).lazy.map { first &+ $0 }
        .first { value($0, root) >= threshold }
      let found = generator.search(root: root, threshold: threshold, from: first, count: count)
      #expect(found == expected)
    }
  }

  @Test(
    "A threshold is met exactly, and every hash meets zero",
    arguments: WorkGenerator.Path.allCases
  )
  func threshold(path: WorkGenerator.Path) throws {
    guard let generator = WorkGenerator(path: path) else { return }
    let root = Bytes32(words: (1, 2, 3, 4))
    let exact = value(77, root)
    #expect(generator.search(root: root, threshold: exact, from: 77, count: 1) == 77)
    #expect(generator.search(root: root, threshold: exact + 1, from: 77, count: 1) == nil)
    #expect(generator.search(root: root, threshold: 0, from: 5, count: 1) == 5)
    #expect(generator.search(root: root, threshold: 0, from: 5, count: 0) == nil)
  }

  @Test("All paths agree on a search as long as real work")
  func longSearch() {
    let root = Bytes32(words: (1, 2, 3, 4))
    for path in WorkGenerator.Path.allCases {
      guard let generator = WorkGenerator(path: path) else { continue }
      var first: UInt64 = 0
      var found: UInt64?
      while found == nil, first < 8 * WorkGenerator.chunk {
        found = generator.search(root: root, threshold: WorkThresholds.full.send, from: first)
        first += WorkGenerator.chunk
      }
      // Computed with Python's hashlib: the value is 0xfffff8f2109865f7.
      #expect(found == 1_288_246)
    }
  }
}
