import CKernels
public import Kernel

/// Searches for the nonce with which a header's hash is at most its target.
///
/// The header is 180 bytes, the nonce its last 8, little-endian; the hash is read as a big-endian
/// number. One call tries one range and returns, so whoever runs it (one thread for each processor,
/// each with nonces of its own) can stop between ranges. Every path gives the same answer: the
/// lowest good nonce of the range.
public struct NonceSearch: Sendable {
  public enum Hash: Sendable, CaseIterable {
    case sha256d
    case poseidon2
  }

  /// How the search runs.
  public enum Path: Sendable, CaseIterable {
    /// Swift, on any processor: what the others are held against.
    case portable
    /// The processor's instructions for SHA-256.
    case instructions
    /// Eight lanes.
    case avx2
    /// Sixteen lanes.
    case avx512
  }

  public static let headerBytes = 180

  /// Nonces in a range to be tried at once: 10 ms to half a second of one core, which bounds how
  /// late a stop is.
  public static let chunk: UInt64 = 1 << 18

  public let hash: Hash
  public let path: Path

  /// By the fastest path that this processor has and `KERNELS` allows.
  public init(hash: Hash) {
    self.hash = hash
    path = Path.allCases.first { $0.lanes(of: hash) == hash.fastestLanes } ?? .portable
  }

  /// Nil if this processor does not have the path, or the hash none by it.
  public init?(hash: Hash, path: Path) {
    guard path == .portable || hash.runs(path.lanes(of: hash)) else { return nil }
    self.hash = hash
    self.path = path
  }

  /// Why `KERNELS` cannot be followed; nil if it can.
  public static var problem: String? {
    guard let forced = trellis_kernels_forced().map({ String(cString: $0) }) else { return nil }
    let paths: [Path] = [.avx512, .avx2, .portable]
    guard let path = paths.first(where: { "\($0)" == forced }) else {
      return "KERNELS is '\(forced)': not one of portable, avx2 and avx512"
    }
    let runs = paths.filter { path in
      Hash.allCases.allSatisfy { NonceSearch(hash: $0, path: path) != nil }
    }
    return runs.contains(path)
      ? nil : "KERNELS is '\(forced)': this processor has no more than \(runs[0])"
  }

  /// Tries the nonces of a range.
  ///
  /// - Parameters:
  ///   - header: 180 bytes; its nonce is not read.
  ///   - target: the greatest good hash, big-endian.
  ///   - nonces: what to try, in this order; see `chunk`.
  /// - Returns: the first good one; nil if there is none.
  public func search(header: [UInt8], target: Bytes32, nonces: Range<UInt64>) -> UInt64? {
    precondition(header.count == Self.headerBytes)
    switch hash {
    case .sha256d: return first(in: nonces, of: SHA256dWork(header: header), target: target)
    case .poseidon2: return first(in: nonces, of: Poseidon2Work(header: header), target: target)
    }
  }

  /// A kernel takes the lower half of the nonce, and looks at the first word of the hash alone.
  ///
  /// So the range goes to it in parts with one upper half, and what it finds is checked in Swift.
  private func first(in nonces: Range<UInt64>, of work: some Work, target: Bytes32) -> UInt64? {
    guard path != .portable else { return work.first(in: nonces, target: target) }
    var next = nonces.lowerBound
    while next < nonces.upperBound {
      let count = min(nonces.upperBound - next, 1 << 32 - next % (1 << 32))
      guard let found = work.candidate(from: next, count: count, target: target, path: path) else {
        next += count
        continue
      }
      if work.hash(of: found) <= target { return found }
      next = found + 1
    }
    return nil
  }
}

extension NonceSearch.Path {
  /// As the kernels count them; 0 if there is none by this path.
  func lanes(of hash: NonceSearch.Hash) -> Int32 {
    switch hash {
    case .sha256d: sha256dLanes
    case .poseidon2: poseidon2Lanes
    }
  }
}

extension NonceSearch.Hash {
  fileprivate var fastestLanes: Int32 {
    switch self {
    case .sha256d: trellis_sha256d_lanes()
    case .poseidon2: trellis_poseidon2_lanes()
    }
  }

  fileprivate func runs(_ lanes: Int32) -> Bool {
    switch self {
    case .sha256d: trellis_sha256d_runs(lanes) == 1
    case .poseidon2: trellis_poseidon2_runs(lanes) == 1
    }
  }
}

/// One header's hash as a function of the nonce.
protocol Work {
  init(header: [UInt8])

  /// The hash, in Swift.
  func hash(of nonce: UInt64) -> Bytes32

  /// The first good nonce, in Swift.
  func first(in nonces: Range<UInt64>, target: Bytes32) -> UInt64?

  /// By a kernel, the first nonce whose hash begins with a word that is at most the target's.
  ///
  /// No nonce from `first` on, `count` of them, differs from it in the upper half.
  func candidate(
    from first: UInt64,
    count: UInt64,
    target: Bytes32,
    path: NonceSearch.Path
  ) -> UInt64?
}

extension Work {
  func first(in nonces: Range<UInt64>, target: Bytes32) -> UInt64? {
    nonces.first { hash(of: $0) <= target }
  }
}
