/// A natural number of any size, by school methods: slow, and simple enough to be believed.
///
/// What field and scalar arithmetic are compared with.
struct Natural: Equatable, Comparable {
  /// Little-endian, without leading zeros.
  private var digits: [UInt32]

  private init(digits: [UInt32]) {
    self.digits = digits
    while self.digits.last == 0 { self.digits.removeLast() }
  }

  init(_ value: Int) {
    self.init(littleEndian: (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
  }

  init(littleEndian bytes: [UInt8]) {
    var digits = [UInt32](repeating: 0, count: (bytes.count + 3) / 4)
    for (index, byte) in bytes.enumerated() {
      digits[index / 4] |= UInt32(byte) << UInt32(8 * (index % 4))
    }
    self.init(digits: digits)
  }

  static func power(ofTwo exponent: Int) -> Natural {
    var digits = [UInt32](repeating: 0, count: exponent / 32 + 1)
    digits[exponent / 32] = 1 << UInt32(exponent % 32)
    return Natural(digits: digits)
  }

  /// The lowest bytes, little-endian, filled up with zeros.
  func littleEndian(_ count: Int) -> [UInt8] {
    (0..<count).map { index in
      let digit = index / 4 < digits.count ? digits[index / 4] : 0
      return UInt8(truncatingIfNeeded: digit >> UInt32(8 * (index % 4)))
    }
  }

  var isOdd: Bool { (digits.first ?? 0) & 1 == 1 }

  private var bitCount: Int {
    digits.count * 32 - (digits.last?.leadingZeroBitCount ?? 0)
  }

  private func bit(_ index: Int) -> Bool {
    digits[index / 32] >> UInt32(index % 32) & 1 == 1
  }

  static func < (a: Natural, b: Natural) -> Bool {
    if a.digits.count != b.digits.count { return a.digits.count < b.digits.count }
    return a.digits.reversed().lexicographicallyPrecedes(b.digits.reversed())
  }

  static func + (a: Natural, b: Natural) -> Natural {
    var carry: UInt64 = 0
    var sum: [UInt32] = []
    for index in 0...max(a.digits.count, b.digits.count) {
      carry += index < a.digits.count ? UInt64(a.digits[index]) : 0
      carry += index < b.digits.count ? UInt64(b.digits[index]) : 0
      sum.append(UInt32(truncatingIfNeeded: carry))
      carry >>= 32
    }
    return Natural(digits: sum)
  }

  static func - (a: Natural, b: Natural) -> Natural {
    precondition(a >= b)
    var borrow: Int64 = 0
    var difference: [UInt32] = []
    for index in a.digits.indices {
      borrow += Int64(a.digits[index]) - (index < b.digits.count ? Int64(b.digits[index]) : 0)
      difference.append(UInt32(truncatingIfNeeded: borrow))
      borrow >>= 32
    }
    return Natural(digits: difference)
  }

  static func * (a: Natural, b: Natural) -> Natural {
    var product = [UInt32](repeating: 0, count: a.digits.count + b.digits.count)
    for i in a.digits.indices {
      var carry: UInt64 = 0
      for j in b.digits.indices {
        carry += UInt64(a.digits[i]) * UInt64(b.digits[j]) + UInt64(product[i + j])
        product[i + j] = UInt32(truncatingIfNeeded: carry)
        carry >>= 32
      }
      product[i + b.digits.count] = UInt32(carry)
    }
    return Natural(digits: product)
  }

  /// Bit by bit.
  static func % (a: Natural, modulus: Natural) -> Natural {
    var rest = Natural(0)
    for index in (0..<a.bitCount).reversed() {
      rest = rest + rest + Natural(a.bit(index) ? 1 : 0)
      if rest >= modulus { rest = rest - modulus }
    }
    return rest
  }
}
