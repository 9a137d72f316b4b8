import Testing

@testable import Curve25519

/// The kernels against the Swift beside them, on every path of this processor.
@Suite("Kernels give what Swift gives")
struct KernelTests {
  static let paths = ArithmeticPath.available.filter { $0 != .portable }

  /// Elements with the largest limbs that an operation leaves, 0, 1, p - 1 and random ones.
  static let elements: [FieldElement] = {
    var random = SeededGenerator(seed: 25519)
    let most: UInt64 = 1 << 51 + 1 << 13
    return [
      .zero, .one, -.one, FieldElement(most, most, most, most, most),
      FieldElement(most, 0, most, 0, most), FieldElement(0, most, 0, most, 0),
      FieldElement(1 << 51 - 1, 1 << 51 - 1, 1 << 51 - 1, 1 << 51 - 1, 1 << 51 - 1),
    ] + (0..<60).map { _ in FieldElement(.random(using: &random)) }
  }()

  @Test("Products", arguments: paths)
  func products(path: ArithmeticPath) {
    for shift in Self.elements.indices {
      let others = Array(Self.elements[shift...] + Self.elements[..<shift])
      let products = Kernels.products(Self.elements, others, path)
      for index in Self.elements.indices {
        #expect(products[index] == Self.elements[index] * others[index])
        #expect(products[index].isWithinBounds)
      }
    }
  }

  @Test("Any number of powers for roots", arguments: paths)
  func powers(path: ArithmeticPath) {
    for count in 0...Self.elements.count {
      let elements = Array(Self.elements[..<count])
      let powers = Kernels.powersForRoot(elements, path)
      let expected = elements.map { $0.powerForRoot() }
      #expect(powers == expected)
      for power in powers { #expect(power.isWithinBounds) }
    }
  }

  @Test("Folds of several points", arguments: ArithmeticPath.available, [1, 2, 7, 8, 9, 17])
  func folds(path: ArithmeticPath, count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    let scalars = (0..<4).map { _ in Scalar.random(using: &random) }
    let points = (0..<4 * count).map { _ in RistrettoPoint.random(using: &random) }
    let expected = (0..<count).map { index in
      scalars.indices.reduce(RistrettoPoint.identity) {
        $0 + points[$1 * count + index].multiplied(by: scalars[$1])
      }
    }
    #expect(RistrettoPoint.foldedVartime(points, by: scalars, path: path) == expected)
    // Every second point of a table, from the third on.
    let spread = points.flatMap { [$0, RistrettoPoint.basepoint] }
    let table = PointTable([.basepoint, .identity] + spread, width: 5)
    let slice = TableSlice(first: 2, stride: 2)
    #expect(table.foldedVartime(slice, count: count, by: scalars, path: path) == expected)
  }

  @Test("Decoding", arguments: ArithmeticPath.available)
  func decoding(path: ArithmeticPath) {
    var random = SeededGenerator(seed: 4)
    for count in 0...20 {
      // One of three is of no point or not canonical.
      let encodings = (0..<count).map { index in
        index % 3 == 2
          ? Encoding32.random(using: &random)
          : RistrettoPoint.random(using: &random).encoding
      }
      let decoded = RistrettoPoint.decoded(canonical: encodings, path: path)
      let expected = encodings.map { RistrettoPoint(canonical: $0) }
      #expect(decoded == expected)
      let points = EdwardsPoint.decoded(zip215: encodings, path: path)
      let expectedPoints = encodings.map { EdwardsPoint(zip215: $0) }
      #expect(points == expectedPoints)
    }
  }
}

extension FieldElement {
  /// Limbs of at most 2^51 + 2^13.
  fileprivate var isWithinBounds: Bool {
    [l0, l1, l2, l3, l4].allSatisfy { $0 <= 1 << 51 + 1 << 13 }
  }
}
