import Foundation
import Kernel
import Poseidon2
import Testing

@testable import Mining

@Suite("The search for a header's nonce")
struct NonceSearchTests {
  static let searches: [NonceSearch] = NonceSearch.Hash.allCases.flatMap { hash in
    NonceSearch.Path.allCases.compactMap { NonceSearch(hash: hash, path: $0) }
  }

  /// The hash as the chain's rule computes it, apart from anything the search does.
  private func hash(_ header: [UInt8], _ nonce: UInt64, _ hash: NonceSearch.Hash) -> Bytes32 {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: nonce >> (8 * $0)) }
    let whole = header[..<172] + bytes
    return hash == .sha256d ? SHA256.double(Array(whole)) : Poseidon2.hash(Array(whole))
  }

  private func header(_ seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    return (0..<180).map { _ in .random(in: 0...255, using: &random) }
  }

  /// A target whose first word is `first` and all other bits `rest`.
  private func target(_ first: UInt32, rest: Bool = true) -> Bytes32 {
    let high = UInt64(first) << 32 | (rest ? 0xffff_ffff : 0)
    let low: UInt64 = rest ? .max : 0
    return Bytes32(words: (high.byteSwapped, low, low, low))
  }

  /// All good nonces of a range, by searching on after each.
  private func all(
    by search: NonceSearch,
    _ header: [UInt8],
    _ target: Bytes32,
    _ nonces: Range<UInt64>
  ) -> [UInt64] {
    var found: [UInt64] = []
    var next = nonces.lowerBound
    while let nonce = search.search(
      header: header,
      target: target,
      nonces: next..<nonces.upperBound
    ) {
      guard nonce >= next else { return [] }  // else this would not end
      found.append(nonce)
      next = nonce + 1
    }
    return found
  }

  @Test("Every path finds exactly the nonces whose hash is good", arguments: searches)
  func agreement(_ search: NonceSearch) {
    for seed: UInt64 in 1...4 {
      let header = header(seed)
      let first = [0, 1 << 40, UInt64.max - 2000, 12_345_678_901_234_567][Int(seed - 1)]
      let range = first..<first + 1500
      for share: UInt32 in [0x7fff_ffff, 0x0fff_ffff, 0x00ff_ffff, 0x0080_0000] {
        let target = target(share)
        let expected = range.filter { hash(header, $0, search.hash) <= target }
        #expect(all(by: search, header, target, range) == expected)
      }
    }
  }

  @Test(
    "Ranges of every length and start near a lane's edge are searched whole",
    arguments: searches
  )
  func lanes(_ search: NonceSearch) {
    let header = header(9)
    let target = target(0x1fff_ffff)
    for start: UInt64 in 0..<18 {
      let good = (start..<start + 40).filter { hash(header, $0, search.hash) <= target }
      for count: UInt64 in 0...36 {
        let range = start..<start + count
        #expect(all(by: search, header, target, range) == good.filter { $0 < range.upperBound })
      }
    }
  }

  @Test("A range may cross where the upper half of the nonce changes", arguments: searches)
  func upperHalf(_ search: NonceSearch) {
    let header = header(10)
    let target = target(0x0fff_ffff)
    for upper: UInt64 in [1, 2, 0x8000_0000, 0xffff_ffff] {
      let range = upper << 32 - 300..<upper << 32 + 300
      let expected = range.filter { hash(header, $0, search.hash) <= target }
      #expect(expected.contains { $0 < upper << 32 } && expected.contains { $0 >= upper << 32 })
      #expect(all(by: search, header, target, range) == expected)
    }
  }

  @Test("The last nonce that a range can have is tried", arguments: searches)
  func end(_ search: NonceSearch) {
    let range = UInt64.max - 20..<UInt64.max
    #expect(all(by: search, header(11), target(.max), range) == Array(range))
  }

  @Test("The whole hash is compared, not its first word alone", arguments: searches)
  func wholeHash(_ search: NonceSearch) {
    let header = header(12)
    for nonce: UInt64 in [5, 77, 1 << 33] {
      let digest = hash(header, nonce, search.hash)
      let range = nonce..<nonce + 1
      #expect(search.search(header: header, target: digest, nonces: range) == nonce)
      // One less, as a number of 256 bits.
      var bytes = digest.bytes
      for index in bytes.indices.reversed() {
        bytes[index] &-= 1
        if bytes[index] != 255 { break }
      }
      let less = Bytes32(bytes) ?? digest
      #expect(less < digest)
      #expect(search.search(header: header, target: less, nonces: range) == nil)
      let word = digest.words.0.byteSwapped >> 32
      let floor = target(UInt32(word), rest: false)
      #expect(search.search(header: header, target: floor, nonces: range) == nil)
    }
  }

  @Test("No hash is good below the least", arguments: searches)
  func none(_ search: NonceSearch) {
    let header = header(13)
    let target = Bytes32.zero
    #expect(search.search(header: header, target: target, nonces: 0..<3000) == nil)
    #expect(search.search(header: header, target: target, nonces: 7..<7) == nil)
  }

  /// scripts/test runs this suite with each.
  @Test("KERNELS says which path is taken, else the fastest", arguments: NonceSearch.Hash.allCases)
  func forcedPath(_ hash: NonceSearch.Hash) {
    let path = NonceSearch(hash: hash).path
    let runs = NonceSearch.Path.allCases.filter { NonceSearch(hash: hash, path: $0) != nil }
    switch ProcessInfo.processInfo.environment["KERNELS"] {
    case "portable":
      #expect(path == .portable)
      #expect(NonceSearch.problem == nil)
    case "avx2":
      #expect(path == (runs.contains(.avx2) ? .avx2 : .portable))
      #expect((NonceSearch.problem == nil) == runs.contains(.avx2))
    default:
      let order: [NonceSearch.Path] = [.avx512, .instructions, .avx2, .portable]
      #expect(path == order.first(where: runs.contains))
    }
  }

  @Test("The nonce in the header is not read", arguments: searches)
  func nonceInHeader(_ search: NonceSearch) {
    var other = header(14)
    let target = target(0x0fff_ffff)
    let found = all(by: search, other, target, 0..<200)
    for index in 172..<180 { other[index] ^= 0xff }
    #expect(!found.isEmpty)
    #expect(all(by: search, other, target, 0..<200) == found)
  }

  @Test("Each of 172 bytes before the nonce counts", arguments: searches)
  func everyByte(_ search: NonceSearch) {
    let header = header(15)
    for index in 0..<172 {
      var other = header
      other[index] ^= 1
      let digest = hash(other, 3, search.hash)
      #expect(search.search(header: other, target: digest, nonces: 3..<4) == 3)
      let original = hash(header, 3, search.hash)
      let lower = min(digest, original)
      let isFound = search.search(header: other, target: lower, nonces: 3..<4) != nil
      #expect(isFound == (digest < original))
    }
  }
}
