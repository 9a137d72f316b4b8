import Testing

@testable import Curve25519

@Suite("Edwards points")
struct EdwardsPointTests {
  /// Every encoding of the eight points whose order divides 8, from the definition: y of the point
  /// or y + p where that fits 255 bits, and either sign bit where x = 0.
  static let smallOrderEncodings: Set<Encoding32> = {
    var generator = SeededGenerator(seed: 8)
    let order = Scalar(Natural.order - Natural(1))
    var encodings: Set<Encoding32> = []
    for _ in 0..<100 {
      // ℓ·P, whatever P: (ℓ - 1)·P + P.
      let point = EdwardsPoint.random(using: &generator)
      let torsion = AffinePoint(point.naiveMultiple(order) + point)
      for y in [torsion.y.natural, torsion.y.natural + .p] where y < .power(ofTwo: 255) {
        for sign in [false, true] where torsion.x.isZero || torsion.x.isNegative == sign {
          encodings.insert(Encoding32(sign ? y + .power(ofTwo: 255) : y))
        }
      }
    }
    return encodings
  }()

  @Test("The constants are those of the definition")
  func constants() {
    #expect(EdwardsPoint.d * FieldElement(121_666) == -FieldElement(121_665))
    #expect(EdwardsPoint.twiceD == EdwardsPoint.d + EdwardsPoint.d)
    let (x, y) = (EdwardsPoint.basepoint.x, EdwardsPoint.basepoint.y)
    #expect(y * FieldElement(5) == FieldElement(4))
    #expect(!x.isNegative)
    #expect(y.squared() - x.squared() == .one + EdwardsPoint.d * x.squared() * y.squared())
    #expect(EdwardsPoint.basepoint.t == x * y)
    // RFC 8032, section 5.1: B in its encoding.
    #expect(
      EdwardsPoint.basepoint.encoding.bytes == [0x58] + [UInt8](repeating: 0x66, count: 31)
    )
    #expect((EdwardsPoint.basepoint.naiveMultiple(-.one) + .basepoint).isIdentity)
  }

  @Test("Additions agree with the affine law, special cases included")
  func additions() {
    var generator = SeededGenerator(seed: 1)
    var points = (0..<6).map { _ in EdwardsPoint.random(using: &generator) }
    points += [.identity, .basepoint, -.basepoint, points[0].doubled(), -points[0]]
    points += Self.smallOrderEncodings.compactMap { EdwardsPoint(zip215: $0) }
    for a in points {
      #expect(a.doubled() == (AffinePoint(a) + AffinePoint(a)).extended)
      #expect(a.multipliedByCofactor() == a.naiveMultiple(Scalar(8)))
      #expect((a - a).isIdentity)
      for b in points {
        let sum = a + b
        #expect(sum == (AffinePoint(a) + AffinePoint(b)).extended)
        #expect(sum - b == a)
        #expect(sum.t * sum.z == sum.x * sum.y)
      }
    }
  }

  @Test("Encoding and both decodings are inverse")
  func roundTrips() {
    var generator = SeededGenerator(seed: 2)
    for _ in 0..<100 {
      let point = EdwardsPoint.random(using: &generator) + .basepoint
      let encoding = point.encoding
      #expect(EdwardsPoint(zip215: encoding) == point)
      #expect(EdwardsPoint(canonical: encoding) == point)
    }
  }

  @Test("Decoding any bytes gives a point of the curve or nil, alone and in pairs")
  func anyBytes() {
    var generator = SeededGenerator(seed: 3)
    var encodings = (0..<2001).map { _ in Encoding32.random(using: &generator) }
    // All of the range of y that is not below p, and its surroundings.
    for y in 0..<60 {
      let value = Natural.power(ofTwo: 255) - Natural(40) + Natural(y)
      encodings += [Encoding32(value), Encoding32(value + .power(ofTwo: 255))]
    }
    let points = EdwardsPoint.decoded(zip215: encodings)
    #expect(points.count == encodings.count)
    for (encoding, point) in zip(encodings, points) {
      #expect(EdwardsPoint(zip215: encoding) == point)
      if let point {
        let (xx, yy) = (point.x.squared(), point.y.squared())
        #expect(yy - xx == .one + EdwardsPoint.d * xx * yy)
        #expect(point.y == FieldElement(encoding))
        #expect(point.x.isZero || point.x.isNegative == encoding.topBit)
        #expect((EdwardsPoint(canonical: encoding) != nil) == (point.encoding == encoding))
      } else {
        let yy = FieldElement(encoding).squared()
        let square = FieldElement.squareRoot(of: yy - .one, over: yy * EdwardsPoint.d + .one)
        #expect(square == nil)
        #expect(EdwardsPoint(canonical: encoding) == nil)
      }
    }
    #expect(points.count { $0 != nil } > 900)
    #expect(points.count { $0 == nil } > 900)
    #expect(EdwardsPoint.decoded(zip215: []).isEmpty)
  }

  @Test(
    "The prime subgroup has neither 0 nor torsion, asked for one or many, on every path",
    arguments: ArithmeticPath.available
  )
  func primeSubgroup(path: ArithmeticPath) {
    var generator = SeededGenerator(seed: 3)
    let low = Self.smallOrderEncodings.compactMap { EdwardsPoint(zip215: $0) }
    let good = (0..<20).map { _ in
      EdwardsPoint.basepoint.naiveMultiple(.random(using: &generator))
    }
    let torsion = low.filter { !$0.isIdentity }
    let points = good + low + zip(good, torsion).map { $0 + $1 } + [.basepoint]
    let expected =
      [Bool](repeating: true, count: good.count)
      + [Bool](repeating: false, count: low.count + torsion.count) + [true]
    for count in [0, 1, 2, 7, 8, 9, points.count] {
      let some = points.suffix(count)
      #expect(
        EdwardsPoint.areInPrimeSubgroup(Array(some), path: path) == Array(expected.suffix(count))
      )
    }
    let encodings = good.map(\.encoding) + Array(Self.smallOrderEncodings)
    for (encoding, point) in zip(encodings, EdwardsPoint.decoded(canonical: encodings)) {
      #expect(point == EdwardsPoint(canonical: encoding))
    }
  }

  @Test("There are 14 encodings of small order; 8 are canonical")
  func smallOrder() {
    #expect(Self.smallOrderEncodings.count == 14)
    let points = Self.smallOrderEncodings.compactMap { EdwardsPoint(zip215: $0) }
    #expect(points.count == 14)
    #expect(points.allSatisfy { $0.isSmallOrder })
    #expect(points.count { $0.isIdentity } == 4)
    #expect(Self.smallOrderEncodings.count { EdwardsPoint(canonical: $0) != nil } == 8)
    #expect(!EdwardsPoint.basepoint.isSmallOrder)
    #expect(!(EdwardsPoint.basepoint + points[0]).isSmallOrder)
  }
}
