import CKernels

/// What the heavy sums run on: Swift alone, or beside it kernels that do several at once.
///
/// `KERNELS=portable|avx2|avx512` in the environment forces one; without it the widest that the
/// processor has is taken. All give the same results.
public enum ArithmeticPath: Int32, Sendable, CaseIterable {
  /// This module's Swift: what the kernels are held against.
  case portable = 0
  /// Four lanes.
  case avx2 = 4
  /// Eight lanes, with the multiply-add of IFMA.
  case avx512 = 8

  public static let best = ArithmeticPath(rawValue: trellis_curve_lanes()) ?? .portable

  /// Those that this processor runs.
  static let available = allCases.filter { $0.rawValue <= best.rawValue }

  /// Why `KERNELS` cannot be followed; nil if it can.
  public static var problem: String? {
    guard let forced = trellis_kernels_forced().map({ String(cString: $0) }) else { return nil }
    guard let path = allCases.first(where: { "\($0)" == forced }) else {
      return "KERNELS is '\(forced)': not one of portable, avx2 and avx512"
    }
    return path == best ? nil : "KERNELS is '\(forced)': this processor has no more than \(best)"
  }

  var lanes: Int { Int(rawValue) }
}
