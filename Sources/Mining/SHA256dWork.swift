import CKernels
import Kernel

/// SHA-256d of a header of 180 bytes as a function of its last 8.
///
/// The first 128 bytes are two whole blocks, compressed once. In the last block words 0 to 10 are bytes
/// 128 to 171, words 11 and 12 the nonce with its bytes reversed, then a one bit, zeros and the
/// length, 1,440 bits.
struct SHA256dWork: Work {
  private let state: PortableSHA256.State
  private let block: PortableSHA256.Block

  init(header: [UInt8]) {
    func word(_ index: Int) -> UInt32 {
      header[4 * index..<4 * index + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
    let first = PortableSHA256.Block { word($0) }
    let second = PortableSHA256.Block { word(16 + $0) }
    state = PortableSHA256.compress(
      PortableSHA256.compress(PortableSHA256.initial, first),
      second
    )
    block = PortableSHA256.Block { index in
      switch index {
      case 0..<11: word(32 + index)
      case 13: 0x8000_0000
      case 15: 180 * 8
      default: 0
      }
    }
  }

  func hash(of nonce: UInt64) -> Bytes32 {
    let digest = digest(of: nonce)
    // Bytes32 has little-endian words.
    func word(_ index: Int) -> UInt64 {
      (UInt64(digest[2 * index]) << 32 | UInt64(digest[2 * index + 1])).byteSwapped
    }
    return Bytes32(words: (word(0), word(1), word(2), word(3)))
  }

  /// In big-endian words.
  private func digest(of nonce: UInt64) -> PortableSHA256.State {
    let first = PortableSHA256.compress(state, block(with: nonce))
    let second: PortableSHA256.Block = [
      first[0], first[1], first[2], first[3], first[4], first[5], first[6], first[7],
      0x8000_0000, 0, 0, 0, 0, 0, 0, 256,
    ]
    return PortableSHA256.compress(PortableSHA256.initial, second)
  }

  private func block(with nonce: UInt64) -> PortableSHA256.Block {
    var block = block
    block[11] = UInt32(truncatingIfNeeded: nonce).byteSwapped
    block[12] = UInt32(truncatingIfNeeded: nonce >> 32).byteSwapped
    return block
  }

  func candidate(
    from first: UInt64,
    count: UInt64,
    target: Bytes32,
    path: NonceSearch.Path
  ) -> UInt64? {
    let state = (0..<8).map { self.state[$0] }
    let whole = self.block(with: first)
    let block = (0..<16).map { whole[$0] }
    var lower: UInt32 = 0
    let found = trellis_sha256d_search(
      path.sha256dLanes,
      state,
      block,
      UInt32(truncatingIfNeeded: target.words.0.byteSwapped >> 32),
      UInt32(truncatingIfNeeded: first),
      count,
      &lower
    )
    return found == 1 ? first & ~0xffff_ffff | UInt64(lower) : nil
  }
}

extension NonceSearch.Path {
  /// As `trellis_sha256d_search` counts them.
  var sha256dLanes: Int32 {
    switch self {
    case .portable: 0
    case .instructions: 4
    case .avx2: 8
    case .avx512: 16
    }
  }
}
