import Testing

@testable import Curve25519

@Suite("ristretto255")
struct RistrettoPointTests {
  @Test("The first multiples of the basepoint are those of RFC 9496, A.1, and decode")
  func multiples() throws {
    let expected = [
      "0000000000000000000000000000000000000000000000000000000000000000",
      "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
      "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
    ]
    var multiple = RistrettoPoint.identity
    for text in expected {
      let encoding = multiple.encoding
      #expect(Self.hex(encoding) == text)
      #expect(try #require(RistrettoPoint(canonical: encoding)) == multiple)
      multiple = multiple + .basepoint
    }
  }

  @Test("Encodings that RFC 9496, A.2, refuses, and the top bit set, are refused")
  func refused() {
    let bytes = RistrettoPoint.basepoint.encoding.words
    let prime: UInt64 = 0x7fff_ffff_ffff_ffff
    let bad: [(UInt64, UInt64, UInt64, UInt64)] = [
      (bytes.0, bytes.1, bytes.2, bytes.3 | 1 << 63),
      (0x00ff_ffff_ffff_ffff | 0xff << 56, .max, .max, .max),
      (.max - 0x12, .max, .max, prime),  // p
      (.max - 0x10, .max, .max, prime),  // p + 2
      (1, 0, 0, 0),  // negative
      (.max - 0x13, .max, .max, prime),  // -1: y = 0
    ]
    for words in bad {
      #expect(RistrettoPoint(canonical: Encoding32(words: words)) == nil)
    }
  }

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

  @Test("Constant-time sums are the variable-time ones, edge scalars and points included")
  func multiscalar() {
    let edges: [Scalar] = [
      .zero, .one, .zero - .one, Scalar(8), Scalar(1 << 64), Scalar(.max), Scalar(0x8888_8888),
    ]
    let base = RistrettoPoint.basepoint
    let points = [base, .identity, base + base, -base, base]
    #expect(RistrettoPoint.multiscalar([]).isIdentity)
    for a in edges {
      for b in edges {
        for (index, p) in points.enumerated() {
          let terms = [(scalar: a, point: p), (scalar: b, point: points[(index + 1) % 5])]
          #expect(
            RistrettoPoint.multiscalar(terms) == RistrettoPoint.multiscalarVartime(terms)
          )
        }
      }
    }
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

  private static func hex(_ encoding: Encoding32) -> String {
    let digits = Array("0123456789abcdef")
    return String(encoding.bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}
