/// Odd multiples of points that stay, made once: sums with them need no tables of their own and one
/// product less for each addition.
///
/// 32 multiples of 120 bytes for each point.
public struct PointTable: Sendable {
  /// Width of the non-adjacent form.
  ///
  /// One more saves a ninth of the additions and doubles the memory, and the processor's caches then
  /// lose what was saved.
  static let width = 7

  let rows: [AffineCachedPoint]

  /// How many points it holds.
  public let count: Int

  init(_ points: [EdwardsPoint]) {
    count = points.count
    let multiples = 1 << (Self.width - 2)
    var all: [EdwardsPoint] = []
    all.reserveCapacity(multiples * points.count)
    for point in points {
      let twice = point.doubled().cached
      var multiple = point
      all.append(multiple)
      for _ in 1..<multiples {
        multiple = multiple.adding(twice).extended
        all.append(multiple)
      }
    }
    rows = AffineCachedPoint.normalising(all)
  }

  public init(_ points: [RistrettoPoint]) { self.init(points.map(\.point)) }

  /// The sum of those points whose bit is 1, in constant time.
  ///
  /// - Parameters:
  ///   - bits: each 0 or 1; bit i chooses point first + i·stride.
  ///   - first: a point of the table.
  ///   - stride: from one point to the next.
  /// - Returns: the sum.
  public func sum(
    choosingBy bits: ArraySlice<UInt64>,
    from first: Int,
    stride: Int
  ) -> RistrettoPoint {
    let multiples = 1 << (Self.width - 2)
    var sum = EdwardsPoint.identity
    for (index, bit) in bits.enumerated() {
      let row = rows[(first + index * stride) * multiples]
      let mask = 0 &- bit
      let chosen = AffineCachedPoint(
        yPlusX: .select(mask: mask, row.yPlusX, .one),
        yMinusX: .select(mask: mask, row.yMinusX, .one),
        twiceDXY: .select(mask: mask, row.twiceDXY, .zero)
      )
      sum = sum.adding(chosen).extended
    }
    return RistrettoPoint(sum)
  }

  static let basepoint = PointTable([EdwardsPoint.basepoint])
}

extension AffineCachedPoint {
  /// With one inversion for all.
  static func normalising(_ points: [EdwardsPoint]) -> [AffineCachedPoint] {
    zip(points, FieldElement.inverted(points.map(\.z))).map { point, inverse in
      let (x, y) = (point.x * inverse, point.y * inverse)
      return AffineCachedPoint(yPlusX: y + x, yMinusX: y - x, twiceDXY: x * y * EdwardsPoint.twiceD)
    }
  }
}

extension FieldElement {
  /// The inverses of all by one inversion and three products each (Montgomery 1987), in constant
  /// time.
  ///
  /// - Precondition: none is 0; points' Z never are.
  static func inverted(_ elements: [FieldElement]) -> [FieldElement] {
    var products: [FieldElement] = []
    products.reserveCapacity(elements.count)
    var product = FieldElement.one
    for element in elements {
      products.append(product)
      product = product * element
    }
    var inverse = product.inverted()
    for index in elements.indices.reversed() {
      products[index] = products[index] * inverse
      inverse = inverse * elements[index]
    }
    return products
  }
}
