import Testing

@testable import Curve25519

@Suite("Field elements, against naive arithmetic modulo 2^255 - 19")
struct FieldElementTests {
  /// Integers below 2^255 at which carries and reductions turn, and random ones.
  static let values: [Natural] = {
    var generator = SeededGenerator(seed: 255)
    let small = (0..<3).map { Natural($0) } + [Natural(18), Natural(19), Natural(20)]
    let nearP = [1, 2, 19, 20].map { Natural.p - Natural($0) } + [.p, .p + Natural(1)]
    let top = [1, 2].map { Natural.power(ofTwo: 255) - Natural($0) }
    let limbs = [51, 102, 153, 204, 254].flatMap { exponent in
      [Natural.power(ofTwo: exponent) - Natural(1), Natural.power(ofTwo: exponent)]
    }
    let random = (0..<20).map { _ in
      Encoding32.random(using: &generator).natural % .power(ofTwo: 255)
    }
    return small + nearP + top + limbs + random
  }()

  @Test("Sums, differences and products")
  func arithmetic() {
    for a in Self.values {
      for b in Self.values {
        let (x, y) = (FieldElement(a), FieldElement(b))
        #expect((x + y).natural == (a + b) % .p)
        #expect((x - y).natural == (a + .p + .p - b) % .p)
        #expect((x * y).natural == (a * b) % .p)
        // Unnormalised on the left.
        #expect(((x - y) * (x + y)).natural == (a * a + (.p + .p) * (.p + .p) - b * b) % .p)
      }
    }
  }

  @Test("Squares, negatives and inverses")
  func unary() {
    for a in Self.values {
      let x = FieldElement(a)
      #expect(x.squared().natural == (a * a) % .p)
      #expect((-x).natural == (.p + .p - a) % .p)
      #expect(x.squared(times: 3) == x.squared().squared().squared())
      #expect((x.inverted() * x).natural == Natural(a % .p == Natural(0) ? 0 : 1))
      #expect(x.isNegative == (a % .p).isOdd)
      #expect(x.isZero == (a % .p == Natural(0)))
    }
  }

  @Test("Products of the largest limbs that three operations without carries can leave")
  func largestLimbs() {
    // The bound that `Unreduced` states: 7 · (2^51 + 2^13).
    let limb: UInt64 = 7 * (1 << 51 + 1 << 13)
    let largest = Unreduced(limb, limb, limb, limb, limb)
    var value = Natural(0)
    for exponent in [0, 51, 102, 153, 204] {
      let product = Natural(Int(limb)) * .power(ofTwo: exponent)
      value = value + product
    }
    #expect((largest * largest).natural == (value * value) % .p)
    #expect(largest.squared().natural == (value * value) % .p)
    #expect(largest.carried.natural == value % .p)
    for result in [largest * largest, largest.squared(), largest.carried] {
      for limb in [result.l0, result.l1, result.l2, result.l3, result.l4] {
        #expect(limb <= 1 << 51 + 1 << 13)
      }
    }
  }

  @Test("Decoding takes every 255 bits, canonical decoding only integers below p")
  func decoding() {
    for a in Self.values {
      #expect(FieldElement(a).natural == a % .p)
      #expect((FieldElement(canonical: Encoding32(a)) != nil) == (a < .p))
      let withTopBit = Encoding32(a + .power(ofTwo: 255))
      #expect(FieldElement(withTopBit) == FieldElement(a))
      #expect(FieldElement(canonical: withTopBit) == nil)
    }
  }

  @Test("Ratios are squares or not, and the root proves it")
  func squareRoots() {
    var squares = 0
    let elements = Self.values.map { FieldElement($0) }.filter { !$0.isZero }
    for (u, v) in zip(elements, elements.dropFirst()) {
      let root = FieldElement.squareRoot(of: u * v, over: v * v * v)
      if let root {
        squares += 1
        #expect(root.squared() * v * v == u)
      } else {
        // 2 is not a square, so 2u is one.
        #expect(FieldElement.squareRoot(of: u + u, over: .one) != nil)
      }
      let pair = FieldElement.squareRoots(of: (u * v, u), over: (v * v * v, .one))
      #expect(pair.0 == root)
      #expect(pair.1 == FieldElement.squareRoot(of: u, over: .one))
    }
    #expect(squares > 0)
    #expect(squares < elements.count - 1)
    #expect(FieldElement.squareRoot(of: .zero, over: .one) == .zero)
    #expect(FieldElement.squareRootOfMinusOne.squared() == -.one)
    #expect(!FieldElement.squareRootOfMinusOne.isNegative)
  }
}
