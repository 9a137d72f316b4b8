import Testing

@testable import Curve25519

/// A way to compute Σ scalarᵢ·pointᵢ.
struct MultiscalarAlgorithm: Sendable, CustomTestStringConvertible {
  let name: String
  let sum: @Sendable ([RistrettoPoint.Term]) -> RistrettoPoint

  var testDescription: String { name }

  /// Every algorithm there is: a line here puts another one through all cases.
  static let all = [
    Self(name: "multiscalar") { .multiscalar($0) },
    Self(name: "multiscalarVartime") { .multiscalarVartime($0) },
    Self(name: "multiplied(by:), term by term") { terms in
      terms.reduce(.identity) { $0 + $1.point.multiplied(by: $1.scalar) }
    },
    Self(name: "sum(choosingBy:), bit by bit") { terms in
      (0..<253).reversed().reduce(.identity) { sum, position in
        let bits = terms.map { $0.scalar.bit(position) }
        let identities = [RistrettoPoint](repeating: .identity, count: terms.count)
        let points = terms.map(\.point)
        return sum + sum
          + RistrettoPoint.sum(choosingBy: bits, ones: points, zeros: identities)
      }
    },
    Self(name: "EdwardsPoint.multiscalarVartime, half of it on the basepoint") { terms in
      // a·P = a·(P - B) + a·B, the latter in the basepoint's own table.
      let shifted = terms.map { (scalar: $0.scalar, point: $0.point.point - .basepoint) }
      let scalar = terms.reduce(.zero) { $0 + $1.scalar }
      return RistrettoPoint(EdwardsPoint.multiscalarVartime(shifted, basepoint: scalar))
    },
  ]
}

/// Terms and their sum by double-and-add with the affine addition law, one term after the other.
struct MultiscalarCase: Sendable, CustomTestStringConvertible {
  let name: String
  let terms: [RistrettoPoint.Term]
  let expected: RistrettoPoint

  var testDescription: String { name }

  init(_ name: String, _ terms: [RistrettoPoint.Term]) {
    self.name = name
    self.terms = terms
    expected = RistrettoPoint(
      EdwardsPoint.naiveSum(terms.map { (scalar: $0.scalar, point: $0.point.point) })
    )
  }

  static let all: [Self] = {
    var random = SeededGenerator(seed: 9496)
    let point = RistrettoPoint.random(using: &random)
    // Two points of order 4 or 2: the identity of ristretto255 in other clothes.
    let torsion = EdwardsPoint(x: .squareRootOfMinusOne, y: .zero, z: .one, t: .zero)
    let disguised = [torsion, torsion.doubled()].map(RistrettoPoint.init)
    func points(_ count: Int) -> [RistrettoPoint] {
      (0..<count).map { _ in .random(using: &random) }
    }
    func scalars(_ count: Int) -> [Scalar] { (0..<count).map { _ in .random(using: &random) } }
    func each(_ points: [RistrettoPoint], times scalar: Scalar) -> [RistrettoPoint.Term] {
      points.map { (scalar, $0) }
    }
    func paired(_ scalars: [Scalar], _ points: [RistrettoPoint]) -> [RistrettoPoint.Term] {
      zip(scalars, points).map { ($0, $1) }
    }
    let scalar = Scalar.random(using: &random)

    var cases = [
      Self("no terms", []),
      Self("zeros", each(points(9), times: .zero)),
      Self("ones", each(points(9), times: .one)),
      Self("ℓ - 1 each", each(points(9), times: -.one)),
      Self("zeros, but for the last", each(points(8), times: .zero) + [(scalar, point)]),
      Self("all powers of two", paired(powersOfTwo, points(253))),
      Self("one point, repeated", scalars(17).map { ($0, point) }),
      Self("one term, repeated", .init(repeating: (scalar, point), count: 11)),
      Self("terms that cancel", [(scalar, point), (-scalar, point), (scalar, -point)]),
      Self("a point and its negative", [(scalar, point), (scalar, -point)]),
      Self("the identity alone", [(scalar, .identity)]),
      Self("identities", each(.init(repeating: .identity, count: 9), times: scalar)),
      Self("an identity among points", paired(scalars(3), [point, .identity, .basepoint])),
      Self("the identity with torsion", paired(scalars(3), disguised + [point])),
      Self(
        "points with torsion",
        paired(scalars(2), disguised.map { $0 + point }) + [(.one, disguised[0] + point)]
      ),
      Self("edge scalars together", paired(Scalar.edges, points(Scalar.edges.count))),
      Self("scalars of extreme digits", paired(patterns, points(patterns.count))),
    ]
    // All that a machine word of lanes can leave over, a proof of one value, a large batch.
    for count in Array(1...18) + [190, 300] {
      cases.append(Self("\(count) random terms", paired(scalars(count), points(count))))
    }
    return cases
  }()

  private static let powersOfTwo = (0..<253).map { Scalar(Natural.power(ofTwo: $0)) }

  /// Repeated digits, whose carries run through all of a recoded scalar.
  private static let patterns = [
    0x11, 0x55, 0x77, 0x78, 0x80, 0x87, 0x88, 0xaa, 0xee, 0xff,
  ].map { (byte: UInt64) in
    let word = 0x0101_0101_0101_0101 &* byte
    // Below 2^252.
    return Scalar(reducing: Encoding32(words: (word, word, word, word &>> 4)))
  }
}

@Suite("Each multiscalar algorithm of ristretto255, against naive sums")
struct RistrettoMultiscalarTests {
  @Test("Every case", arguments: MultiscalarAlgorithm.all)
  func sums(algorithm: MultiscalarAlgorithm) {
    for multiscalarCase in MultiscalarCase.all {
      let sum = algorithm.sum(multiscalarCase.terms)
      #expect(sum == multiscalarCase.expected, "\(multiscalarCase.name)")
      #expect(sum.encoding == multiscalarCase.expected.encoding, "\(multiscalarCase.name)")
    }
  }

  @Test("Each edge scalar alone, of a point, the basepoint and the identity")
  func edges() {
    var random = SeededGenerator(seed: 1)
    for point in [.random(using: &random), RistrettoPoint.basepoint, .identity] {
      for scalar in Scalar.edges {
        let expected = RistrettoPoint(point.point.naiveMultiple(scalar))
        for algorithm in MultiscalarAlgorithm.all {
          #expect(algorithm.sum([(scalar, point)]) == expected, "\(algorithm.name), \(scalar)")
        }
      }
    }
  }

  @Test("Each power of two alone", arguments: MultiscalarAlgorithm.all)
  func powersOfTwo(algorithm: MultiscalarAlgorithm) {
    var random = SeededGenerator(seed: 2)
    let point = RistrettoPoint.random(using: &random)
    var power = AffinePoint(point.point)
    for exponent in 0..<253 {
      let sum = algorithm.sum([(Scalar(Natural.power(ofTwo: exponent)), point)])
      #expect(sum == RistrettoPoint(power.extended), "2^\(exponent)")
      power = power + power
    }
  }

  @Test("Choosing by bits takes the ones' points and the zeros' points", arguments: 0...6)
  func choosing(count: Int) {
    var random = SeededGenerator(seed: 3)
    let ones = (0..<count).map { _ in RistrettoPoint.random(using: &random) }
    let zeros = (0..<count).map { _ in RistrettoPoint.random(using: &random) }
    for word in 0..<UInt64(1 << count) {
      let bits = (0..<count).map { word >> UInt64($0) & 1 }
      let expected = bits.indices.reduce(RistrettoPoint.identity) {
        $0 + (bits[$1] == 1 ? ones[$1] : zeros[$1])
      }
      #expect(RistrettoPoint.sum(choosingBy: bits, ones: ones, zeros: zeros) == expected)
    }
  }

  @Test("The cases are what they are called")
  func cases() {
    #expect(MultiscalarCase.all.contains { $0.terms.isEmpty && $0.expected.isIdentity })
    #expect(MultiscalarCase.all.contains { $0.terms.count == 300 && !$0.expected.isIdentity })
  }
}

extension RistrettoPoint {
  static func random(using generator: inout SeededGenerator) -> RistrettoPoint {
    RistrettoPoint(uniform: .random(using: &generator), .random(using: &generator))
  }
}

extension Scalar {
  func bit(_ position: Int) -> UInt64 {
    UInt64(encoding.bytes[position / 8] >> UInt8(position % 8)) & 1
  }
}
