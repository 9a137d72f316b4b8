@testable import Curve25519

/// SplitMix64, as the module under test depends on nothing.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z &>> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z &>> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z &>> 31)
  }
}

extension Encoding32 {
  static func random(using generator: inout SeededGenerator) -> Encoding32 {
    Encoding32(words: (generator.next(), generator.next(), generator.next(), generator.next()))
  }

  /// The lowest 256 bits.
  init(_ value: Natural) {
    let bytes = value.littleEndian(32)
    var words: [UInt64] = [0, 0, 0, 0]
    for (index, byte) in bytes.enumerated() {
      words[index / 8] |= UInt64(byte) << UInt64(8 * (index % 8))
    }
    self.init(words: (words[0], words[1], words[2], words[3]))
  }

  /// From 64 hexadecimal digits, as encodings are published.
  init(hex: String) {
    let digits = hex.compactMap(\.hexDigitValue)
    precondition(digits.count == 64)
    let bytes = (0..<32).map { UInt8(digits[2 * $0] << 4 | digits[2 * $0 + 1]) }
    self.init(Natural(littleEndian: bytes))
  }

  var natural: Natural { Natural(littleEndian: bytes) }
}

extension Natural {
  /// 2^255 - 19.
  static let p = power(ofTwo: 255) - Natural(19)

  /// The order of the basepoint.
  static let order =
    power(ofTwo: 252)
    + Natural(littleEndian: [
      0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
      0x14,
    ])
}

extension FieldElement {
  init(_ value: Natural) {
    self.init(Encoding32(value))
  }

  var natural: Natural { encoding.natural }
}

extension Scalar {
  init(_ value: Natural) {
    self.init(reducing: Encoding32(value))
  }

  static func random(using generator: inout SeededGenerator) -> Scalar {
    Scalar(reducing: .random(using: &generator), .random(using: &generator))
  }

  var natural: Natural { encoding.natural }

  /// 0, 1, 2, ℓ - 1, powers of two and their neighbours, the largest 128-bit weight.
  static let edges: [Scalar] =
    [.zero, .one, .one + .one, -.one, -(.one + .one), Scalar(UInt128.max)]
    + [1, 2, 4, 5, 63, 64, 127, 128, 192, 251, 252].flatMap { exponent -> [Scalar] in
      let power = Scalar(Natural.power(ofTwo: exponent))
      return [power - .one, power, power + .one]
    }
}

extension EdwardsPoint {
  static func random(using generator: inout SeededGenerator) -> EdwardsPoint {
    while true {
      if let point = EdwardsPoint(zip215: .random(using: &generator)) { return point }
    }
  }

  /// Double and add, bit by bit, with the affine addition law of the curve's definition
  /// (Bernstein, Birkner, Joye, Lange, Peters 2008, section 6).
  func naiveMultiple(_ scalar: Scalar) -> EdwardsPoint {
    var sum = AffinePoint(.identity)
    var power = AffinePoint(self)
    var rest = scalar.encoding.bytes
    while rest.contains(where: { $0 != 0 }) {
      if rest[0] & 1 == 1 { sum = sum + power }
      power = power + power
      for index in rest.indices {
        rest[index] = rest[index] >> 1 | (index < 31 ? rest[index + 1] << 7 : 0)
      }
    }
    return sum.extended
  }

  static func naiveSum(_ terms: [(scalar: Scalar, point: EdwardsPoint)]) -> EdwardsPoint {
    terms.reduce(AffinePoint(.identity)) { sum, term in
      sum + AffinePoint(term.point.naiveMultiple(term.scalar))
    }.extended
  }
}

/// A point by its own coordinates.
struct AffinePoint {
  let x: FieldElement
  let y: FieldElement

  init(x: FieldElement, y: FieldElement) {
    self.x = x
    self.y = y
  }

  init(_ point: EdwardsPoint) {
    let inverse = point.z.inverted()
    x = point.x * inverse
    y = point.y * inverse
  }

  var extended: EdwardsPoint { EdwardsPoint(x: x, y: y, z: .one, t: x * y) }

  /// The addition law: x = (x₁y₂ + y₁x₂) / (1 + d·x₁x₂y₁y₂), y = (y₁y₂ + x₁x₂) / (1 - d·x₁x₂y₁y₂).
  static func + (a: Self, b: Self) -> Self {
    let product = EdwardsPoint.d * a.x * b.x * a.y * b.y
    return Self(
      x: (a.x * b.y + a.y * b.x) * (.one + product).inverted(),
      y: (a.y * b.y + a.x * b.x) * (.one - product).inverted()
    )
  }
}
