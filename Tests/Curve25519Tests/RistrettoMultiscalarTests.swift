import Testing

@testable import Curve25519

/// A way to compute Σ scalarᵢ·pointᵢ.
struct MultiscalarAlgorithm: Sendable, CustomTestStringConvertible {
  let name: String
  let sum: @Sendable ([RistrettoPoint.Term]) -> RistrettoPoint

  var testDescription: String { name }

  /// Every algorithm there is: a line here puts another one through all cases.
  static let all =
    [
      Self(name: "multiscalar") { .multiscalar($0) },
      Self(name: "multiscalarVartime") { .multiscalarVartime($0) },
      Self(name: "multiplied(by:), term by term") { terms in
        terms.reduce(.identity) { $0 + $1.point.multiplied(by: $1.scalar) }
      },
      Self(name: "EdwardsPoint.multiscalarVartime, half of it on the basepoint") { terms in
        // a·P = a·(P - B) + a·B, the latter in the basepoint's own table.
        let shifted = terms.map { (scalar: $0.scalar, point: $0.point.point - .basepoint) }
        let scalar = terms.reduce(.zero) { $0 + $1.scalar }
        return RistrettoPoint(EdwardsPoint.multiscalarVartime(shifted, basepoint: scalar))
      },
      Self(name: "Pippenger") { terms in
        RistrettoPoint(EdwardsPoint.pippengerVartime(terms.map { ($0.scalar, $0.point.point) }))
      },
      Self(name: "SecretMultiplier, term by term") { terms in
        terms.reduce(.identity) {
          $0 + SecretMultiplier($1.point).multiplied(by: $1.scalar)
        }
      },
    ] + ArithmeticPath.available.flatMap(onPath)

  private static func onPath(_ path: ArithmeticPath) -> [Self] {
    [
      Self(name: "\(path): multiscalars") { .multiscalars([$0], path: path)[0] },
      Self(name: "\(path): two multiscalars at once") { terms in
        // The even terms in one, the odd ones in the other.
        let halves = [0, 1].map { parity in
          terms.indices.filter { $0 % 2 == parity }.map { terms[$0] }
        }
        return RistrettoPoint.multiscalars(halves, path: path).reduce(.identity, +)
      },
      Self(name: "\(path): Straus") { terms in
        RistrettoPoint(
          EdwardsPoint.strausVartime(
            terms.map { ($0.scalar, $0.point.point) },
            fixed: [],
            of: .basepoint,
            path: path
          )
        )
      },
      Self(name: "\(path): a table, half of the terms") { terms in
        let table = PointTable(terms.map(\.point.point), width: 6)
        let half = terms.count / 2
        return RistrettoPoint(
          EdwardsPoint.multiscalarVartime(
            terms[half...].map { ($0.scalar, $0.point.point) },
            fixed: terms[..<half].map(\.scalar),
            of: table,
            path: path
          )
        )
      },
      Self(name: "\(path): a fold to one point") { terms in
        guard !terms.isEmpty else { return .identity }
        let scalars = terms.map(\.scalar)
        return RistrettoPoint.foldedVartime(terms.map(\.point), by: scalars, path: path)[0]
      },
      Self(name: "\(path): a table's fold to one point") { terms in
        PointTable(terms.map(\.point.point), width: 5).foldedVartime(
          TableSlice(first: 0, stride: 1),
          count: 1,
          by: terms.map(\.scalar),
          path: path
        )[0]
      },
      Self(name: "\(path): chosen by bits") { terms in
        let table = PointTable(terms.map(\.point.point), width: 4)
        let choices = (0..<253).map { position in
          PointChoice(
            TableSlice(first: 0, stride: 1),
            terms.map { $0.scalar.bit(position) }[...]
          )
        }
        return table.sums(of: choices, path: path).reversed().reduce(.identity) { $0 + $0 + $1 }
      },
    ]
  }
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

  @Test("Choosing by bits", arguments: ArithmeticPath.available, 1...6)
  func choosing(path: ArithmeticPath, count: Int) {
    var random = SeededGenerator(seed: 3)
    let points = (0..<count).map { _ in RistrettoPoint.random(using: &random) }
    let table = PointTable(points.flatMap { [$0, .basepoint] }, width: 4)
    let words = 0..<UInt64(1 << count)
    let choices = words.map { word in (0..<count).map { word >> UInt64($0) & 1 } }
    let sums = table.sums(
      of: choices.map { PointChoice(TableSlice(first: 0, stride: 2), $0[...]) },
      path: path
    )
    for (bits, sum) in zip(choices, sums) {
      #expect(sum == bits.indices.reduce(.identity) { bits[$1] == 1 ? $0 + points[$1] : $0 })
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
