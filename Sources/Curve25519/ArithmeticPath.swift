import CKernels

/// What the heavy sums run on: Swift alone, or beside it kernels that do several at once.
///
/// `KERNELS=portable|avx2|avx512` in the environment forces one; without it the widest that the
/// processor has is taken. All give the same results.
enum ArithmeticPath: Int32, CaseIterable {
  /// This module's Swift: what the kernels are held against.
  case portable = 0
  /// Four lanes.
  case avx2 = 4
  /// Eight lanes, with the multiply-add of IFMA.
  case avx512 = 8

  static let best = ArithmeticPath(rawValue: trellis_curve_lanes()) ?? .portable

  /// Those that this processor runs.
  static let available = allCases.filter { $0.rawValue <= best.rawValue }

  var lanes: Int { Int(rawValue) }
}
