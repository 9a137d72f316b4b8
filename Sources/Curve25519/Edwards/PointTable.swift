/// Odd multiples of points that stay, made once: sums with them need no tables of their own and one
/// product less for each addition.
///
/// For each point 120 bytes times 2^(width - 2): 8 kB at a width of 8.
public struct PointTable: Sendable {
  /// Of the non-adjacent form: one more saves a ninth of the additions and doubles the memory.
  let width: Int

  /// Rows of each point: P, 3P … (2^(width - 1) - 1)·P.
  let multiples: Int

  let rows: [AffineCachedPoint]

  /// How many points it holds.
  public let count: Int

  init(_ points: [EdwardsPoint], width: Int) {
    self.width = width
    multiples = 1 << (width - 2)
    count = points.count
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

  /// - Parameters:
  ///   - points: in their order.
  ///   - width: from 4 to 10.
  public init(_ points: [RistrettoPoint], width: Int) {
    precondition((4...10).contains(width))
    self.init(points.map(\.point), width: width)
  }

  /// Of B alone.
  public static let basepoint = PointTable([EdwardsPoint.basepoint], width: 8)
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
