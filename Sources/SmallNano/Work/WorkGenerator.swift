import CKernels
public import Kernel

/// Searches for the nonce of a block's work.
///
/// Its value must reach a threshold: the 8-byte digest of BLAKE2b over nonce 8 ‖ root 32, read as
/// a little-endian integer.
///
/// One call tries one chunk of nonces and returns, so whoever runs it (with as many threads as the
/// operator allows, each from its own start) can stop between chunks. Every path gives the same
/// answer: the first good nonce, counted up from `first`.
public struct WorkGenerator: Sendable {
  /// How the search runs; the numbers are hashes at once.
  public enum Path: Int32, Sendable, CaseIterable {
    /// Swift, on any processor.
    case portable = 1
    case avx2 = 4
    case avx512 = 8
  }

  public let path: Path

  /// Nonces in one chunk of `search`: 10 to 40 ms of one core, which bounds how late a stop is.
  public static let chunk: UInt64 = 1 << 18

  /// The fastest path that this processor has.
  public init() {
    path = Path(rawValue: trellis_work_lanes()) ?? .portable
  }

  /// Nil if this processor does not have the path.
  public init?(path: Path) {
    guard path == .portable || path.rawValue <= trellis_work_lanes() else { return nil }
    self.path = path
  }

  /// Tries the nonces `first ..< first + count`, wrapping at 2^64.
  ///
  /// - Parameters:
  ///   - root: the previous block's hash, or the account of an open block.
  ///   - threshold: see `WorkThresholds`.
  ///   - first: where to start. Give each thread its own, for example a random one.
  ///   - count: nonces to try, at most 2^32.
  /// - Returns: the first whose value is at least the threshold; nil if none is.
  public func search(
    root: Bytes32,
    threshold: UInt64,
    from first: UInt64,
    count: UInt64 = chunk
  ) -> UInt64? {
    precondition(count <= 1 << 32)
    guard path != .portable else {
      return PortableWork(root: root).search(threshold: threshold, from: first, count: count)
    }
    var nonce: UInt64 = 0
    let words = [root.words.0, root.words.1, root.words.2, root.words.3]
    let found = trellis_work_search(path.rawValue, words, threshold, first, count, &nonce)
    return found == 1 ? nonce : nil
  }
}
