import Testing

@testable import Curve25519

@Suite("Multiscalar multiplication, against naive sums")
struct MultiscalarTests {
  @Test("No terms give the identity, or the basepoint's term alone")
  func empty() {
    #expect(EdwardsPoint.multiscalarVartime([]).isIdentity)
    for scalar in Scalar.edges {
      let product = EdwardsPoint.multiscalarVartime([], basepoint: scalar)
      #expect(product == EdwardsPoint.basepoint.naiveMultiple(scalar))
    }
  }

  @Test("Each edge scalar with a random point, the identity and a point of order 8")
  func edges() throws {
    var generator = SeededGenerator(seed: 4)
    let torsion = try #require(
      EdwardsPoint(
        zip215: Encoding32(hex: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
      )
    )
    for point in [.random(using: &generator), EdwardsPoint.identity, torsion] {
      for scalar in Scalar.edges {
        #expect(point.multipliedVartime(by: scalar) == point.naiveMultiple(scalar))
      }
    }
  }

  @Test("Sums of several terms", arguments: [1, 2, 3, 7, 40])
  func sums(count: Int) {
    var generator = SeededGenerator(seed: UInt64(count))
    let terms = (0..<count).map { index in
      let scalar =
        index.isMultiple(of: 3)
        ? Scalar.edges[index % Scalar.edges.count] : .random(using: &generator)
      return (scalar: scalar, point: EdwardsPoint.random(using: &generator))
    }
    let scalar = Scalar.random(using: &generator)
    let expected = EdwardsPoint.naiveSum(terms + [(scalar, .basepoint)])
    #expect(EdwardsPoint.multiscalarVartime(terms, basepoint: scalar) == expected)
    #expect(EdwardsPoint.multiscalarVartime(terms) == EdwardsPoint.naiveSum(terms))
  }

  @Test("Equal points, opposite points and the basepoint as a term")
  func repeated() {
    var generator = SeededGenerator(seed: 5)
    // Of prime order, so that scalars may be summed modulo it.
    let point = EdwardsPoint.random(using: &generator).multipliedByCofactor()
    let (a, b) = (Scalar.random(using: &generator), Scalar.random(using: &generator))
    let sum = EdwardsPoint.multiscalarVartime([(a, point), (b, point), (a, point)])
    #expect(sum == point.naiveMultiple(a + b + a))
    #expect(EdwardsPoint.multiscalarVartime([(a, point), (-a, point)]).isIdentity)
    #expect(EdwardsPoint.multiscalarVartime([(a, point), (a, -point)]).isIdentity)
    #expect(EdwardsPoint.multiscalarVartime([(-a, .basepoint)], basepoint: a).isIdentity)
  }
}
