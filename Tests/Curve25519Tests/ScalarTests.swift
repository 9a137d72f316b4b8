import Testing

@testable import Curve25519

@Suite("Scalars, against naive arithmetic modulo the order of the basepoint")
struct ScalarTests {
  static let values: [Scalar] = {
    var generator = SeededGenerator(seed: 252)
    return Scalar.edges + (0..<10).map { _ in .random(using: &generator) }
  }()

  @Test("Sums, differences, products and negatives")
  func arithmetic() {
    for a in Self.values {
      let x = a.natural
      #expect((-a).natural == (.order - x) % .order)
      for b in Self.values {
        let y = b.natural
        #expect((a + b).natural == (x + y) % .order)
        #expect((a - b).natural == (x + .order - y) % .order)
        #expect((a * b).natural == (x * y) % .order)
      }
    }
  }

  @Test("512 bits are reduced")
  func wideReduction() {
    var generator = SeededGenerator(seed: 512)
    let bound = Natural.power(ofTwo: 512)
    var values = [Natural(0), bound - Natural(1), .order, .order * .order]
    for exponent in [252, 253, 255, 256, 260, 384, 504, 508, 511] {
      let power = Natural.power(ofTwo: exponent)
      values += [power - Natural(1), power, power + Natural(1)]
      // Multiples of the order next to the power, and their neighbours.
      let multiple = power + .order - power % .order
      values += [multiple - Natural(1), multiple, multiple + Natural(1)]
    }
    for _ in 0..<200 {
      let (low, high) = (Encoding32.random(using: &generator), Encoding32.random(using: &generator))
      values.append(low.natural + high.natural * .power(ofTwo: 256))
    }
    for value in values {
      let bytes = value.littleEndian(64)
      let low = Encoding32(Natural(littleEndian: Array(bytes[..<32])))
      let high = Encoding32(Natural(littleEndian: Array(bytes[32...])))
      #expect(Scalar(reducing: low, high).natural == value % .order)
      #expect(Scalar(reducing: low).natural == low.natural % .order)
    }
  }

  @Test("Only integers below the order are canonical")
  func canonical() {
    let last = Natural.order - Natural(1)
    #expect(Scalar(canonical: Encoding32(last))?.natural == last)
    #expect(Scalar(canonical: Encoding32(Natural(0)))?.isZero == true)
    #expect(Scalar(canonical: Encoding32(.order)) == nil)
    #expect(Scalar(canonical: Encoding32(.order + Natural(1))) == nil)
    #expect(Scalar(canonical: Encoding32(.power(ofTwo: 253))) == nil)
    #expect(Scalar(canonical: Encoding32(.power(ofTwo: 256) - Natural(1))) == nil)
  }

  @Test(
    "Non-adjacent forms: odd digits in range, apart, and the sum is the scalar",
    arguments: 2...8
  )
  func nonAdjacentForm(width: Int) {
    for scalar in Self.values {
      var sum = Scalar.zero
      var next = 0
      scalar.forEachDigitVartime(width: width) { position, half, sign in
        #expect(half < 1 << UInt64(width - 2))
        #expect(position >= next)
        #expect(position <= 253)
        next = position + width
        let magnitude = Scalar(UInt128(2 * half + 1)) * Scalar(.power(ofTwo: position))
        sum = sign == 1 ? sum - magnitude : sum + magnitude
      }
      #expect(sum == scalar)
    }
  }
}
