import Keccak

/// What the reference of the range-proof vectors drew instead of random bytes.
///
/// Draw i, counted from 0 in each proof: SHAKE256(u8(17) ‖ "MESH/test/entropy" ‖ seed ‖ u32 i), 32 bytes,
/// little-endian. Not in SPEC-007: recovered from the proofs.
struct VectorEntropy: RandomNumberGenerator {
  private let seed: [UInt8]
  private var draws: UInt32 = 0
  private var left: [UInt8] = []

  init(seed: [UInt8]) { self.seed = seed }

  mutating func next() -> UInt64 {
    if left.isEmpty {
      let tag = Array("MESH/test/entropy".utf8)
      let number = (0..<4).map { UInt8(truncatingIfNeeded: draws >> UInt32(8 * $0)) }
      var hash = SHAKE256(absorbing: [UInt8(tag.count)] + tag + seed + number)
      left = hash.squeeze(32)
      draws += 1
    }
    let word = left.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    left.removeFirst(8)
    return word
  }
}
