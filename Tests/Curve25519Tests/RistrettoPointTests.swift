import Testing

@testable import Curve25519

@Suite("ristretto255")
struct RistrettoPointTests {
  @Test("Points of one coset are equal and have one encoding")
  func cosets() throws {
    let four = try #require(
      EdwardsPoint(canonical: Encoding32(words: (0, 0, 0, 0)))  // y = 0: order 4
    )
    let point = EdwardsPoint.basepoint.doubled()
    let (a, b) = (RistrettoPoint(point), RistrettoPoint(point + four))
    #expect(a == b)
    #expect(a.encoding == b.encoding)
    #expect(a != .basepoint)
    #expect(RistrettoPoint(four).isIdentity)
  }

  @Test("Inverses of scalars, alone and together")
  func inverses() {
    let scalars: [Scalar] = [.one, Scalar(2), .zero - .one, Scalar(.max), Scalar(2)]
    for (scalar, inverse) in zip(scalars, Scalar.inverted(scalars)) {
      #expect(scalar * inverse == .one)
      #expect(scalar.inverted() == inverse)
    }
    #expect(Scalar.inverted([]).isEmpty)
    #expect(Scalar.zero.inverted().isZero)
  }
}
