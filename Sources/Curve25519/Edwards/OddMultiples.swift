/// Odd multiples for one scalar multiplication by non-adjacent form: P, 3P, 5P … (2^(w-1) - 1)·P.
enum OddMultiples {
  /// Width of the form for points that come with the call.
  ///
  /// A 253-bit scalar costs 2^(w-2) additions for the table and 253/(w + 1) on average for the
  /// digits: 8 + 42 at 5, against 4 + 51 at 4 and 16 + 36 at 6.
  static let width = 5

  static let count = 1 << (width - 2)

  /// Appends `count` multiples.
  static func append(of point: EdwardsPoint, count: Int = count, to table: inout [CachedPoint]) {
    let twice = point.doubled().cached
    var multiple = point
    table.append(multiple.cached)
    for _ in 1..<count {
      multiple = multiple.adding(twice).extended
      table.append(multiple.cached)
    }
  }
}
