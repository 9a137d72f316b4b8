import CKernels
import Kernel
import Poseidon2

/// Poseidon2 of a header of 180 bytes as a function of its last 8.
///
/// 168 bytes are seven whole blocks of eight limbs, absorbed once. The last block has four limbs, of which
/// the nonce shares the second with byte 171 and has the other two, and the padding.
struct Poseidon2Work: Work {
  private let state: Poseidon2.State
  /// Bytes 168 to 171, which stand before the nonce.
  private let tail: [UInt8]

  private static let absorbed = 7 * Poseidon2.rate * Poseidon2.limb

  init(header: [UInt8]) {
    state = Poseidon2.absorbing(blocks: header[..<Self.absorbed])
    tail = Array(header[Self.absorbed..<NonceSearch.headerBytes - 8])
  }

  func hash(of nonce: UInt64) -> Bytes32 {
    Poseidon2.digest(permuting: state(with: nonce))
  }

  /// Before the last permutation.
  private func state(with nonce: UInt64) -> Poseidon2.State {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: nonce >> (8 * $0)) }
    return Poseidon2.padded((tail + bytes)[...], onto: state)
  }

  func candidate(
    from first: UInt64,
    count: UInt64,
    target: Bytes32,
    path: NonceSearch.Path
  ) -> UInt64? {
    let whole = state(with: first & ~0xffff_ffff)
    var lower: UInt32 = 0
    let found = trellis_poseidon2_search(
      path.poseidon2Lanes,
      (0..<16).map { whole[$0].montgomery },
      Self.constants,
      UInt32(target.words.0.byteSwapped >> 33),  // 31 bits an element
      UInt32(truncatingIfNeeded: first),
      count,
      &lower
    )
    return found == 1 ? first & ~0xffff_ffff | UInt64(lower) : nil
  }

  private static let constants = RoundConstants.shared.words
}

extension NonceSearch.Path {
  /// As `trellis_poseidon2_search` counts them.
  var poseidon2Lanes: Int32 {
    switch self {
    case .portable, .instructions: 0
    case .avx2: 8
    case .avx512: 16
    }
  }
}
