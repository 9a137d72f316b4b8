import Kernel
import Testing

/// Numbers as they are added and multiplied on paper, by digits of a byte; least first.
private struct Paper: Equatable {
  var digits: [UInt8]

  init(_ digits: [UInt8]) {
    self.digits = digits
    while self.digits.last == 0 { self.digits.removeLast() }
  }

  init(_ number: UInt256) { self.init(number.bigEndianBytes.bytes.reversed()) }

  static func + (a: Paper, b: Paper) -> Paper {
    var (sum, carry) = ([UInt8](), 0)
    for index in 0...max(a.digits.count, b.digits.count) {
      carry += Int(index < a.digits.count ? a.digits[index] : 0)
      carry += Int(index < b.digits.count ? b.digits[index] : 0)
      sum.append(UInt8(carry % 256))
      carry /= 256
    }
    return Paper(sum)
  }

  static func * (a: Paper, b: Paper) -> Paper {
    var sum = Paper([])
    for (index, digit) in b.digits.enumerated() {
      var (row, carry) = ([UInt8](repeating: 0, count: index), 0)
      for other in a.digits {
        carry += Int(other) * Int(digit)
        row.append(UInt8(carry % 256))
        carry /= 256
      }
      sum = sum + Paper(row + [UInt8(carry)])
    }
    return sum
  }

  static func power(ofTwo exponent: Int) -> Paper {
    Paper([UInt8](repeating: 0, count: exponent / 8) + [1 << (exponent % 8)])
  }

  var fits: Bool { digits.count <= 32 }

  static func isLess(_ a: Paper, than b: Paper) -> Bool {
    guard a.digits.count == b.digits.count else { return a.digits.count < b.digits.count }
    return a.digits.reversed().lexicographicallyPrecedes(b.digits.reversed())
  }
}

@Suite("Numbers of 256 bits")
struct UInt256Tests {
  /// Of every length, with many ones, many zeros and the ends of halves among them.
  private static let numbers: [UInt256] = {
    var (random, numbers) = (SplitMix64(seed: 256), [UInt256.zero, .one, .max, UInt256(.max)])
    for bits in 0..<256 {
      let one = UInt256.one << bits
      let words = (random.next(), random.next(), random.next(), random.next())
      let some = UInt256(bigEndian: Bytes32(words: words)) >> (255 - bits)
      numbers += [one, some, ~some, ~one, .max >> bits]
    }
    return numbers
  }()

  private func pairs() -> [(UInt256, UInt256)] {
    var random = SplitMix64(seed: 7)
    return Self.numbers.flatMap { number in
      (0..<4).map { _ in (number, Self.numbers.randomElement(using: &random) ?? .zero) }
    }
  }

  @Test("Bytes go both ways, the most significant first")
  func bytes() {
    let number = UInt256(high: 1 << 120, low: 0x0203)
    #expect(number.bigEndianBytes.hex == "01" + String(repeating: "00", count: 29) + "0203")
    for number in Self.numbers { #expect(UInt256(bigEndian: number.bigEndianBytes) == number) }
  }

  @Test("Order is that of the bytes")
  func order() {
    for (a, b) in pairs() {
      #expect((a < b) == (a.bigEndianBytes < b.bigEndianBytes))
      #expect((a == b) == (a.bigEndianBytes == b.bigEndianBytes))
    }
  }

  @Test("Sums and differences are those on paper")
  func sums() {
    for (a, b) in pairs() {
      let paper = Paper(a) + Paper(b)
      let (sum, overflow) = a.addingReportingOverflow(b)
      #expect(overflow == !paper.fits)
      guard !overflow else {
        #expect(Paper(sum) + .power(ofTwo: 256) == paper)
        continue
      }
      #expect(Paper(sum) == paper)
      #expect(a + b - b == a)
      #expect(a + b - a == b)
    }
  }

  @Test("Shifts are products with powers of two, and what leaves is lost")
  func shifts() {
    for number in Self.numbers {
      for count in [0, 1, 7, 63, 64, 65, 127, 128, 129, 191, 255, 256, 257, 600] {
        let product = Paper(number) * .power(ofTwo: count)
        #expect(Paper(number << count) == Paper(Array(product.digits.prefix(32))))
        let rest = 256 - min(count, 256)
        let lost = (number << rest) >> rest
        #expect((number >> count) << count == number - lost)
        #expect(number << -count == number >> count)
        #expect(number >> -count == number << count)
      }
    }
  }

  @Test("Products with 64 bits are those on paper")
  func products() {
    for (number, other) in pairs() {
      for factor in [0, 1, UInt64(truncatingIfNeeded: other.high), .max] {
        let (high, low) = number.multipliedFullWidth(by: factor)
        let product = Paper(low) + Paper(UInt256(high)) * .power(ofTwo: 256)
        #expect(product == Paper(number) * Paper(UInt256(factor)))
      }
    }
  }

  @Test("Quotient times divisor and the rest give the number again, and the rest is less")
  func quotients() {
    for (number, divisor) in pairs() where divisor != .zero {
      let (quotient, rest) = number.quotientAndRemainder(dividingBy: divisor)
      #expect(rest < divisor)
      #expect(Paper(quotient) * Paper(divisor) + Paper(rest) == Paper(number))
      let short = UInt64(truncatingIfNeeded: divisor.low) | 1
      let (shortQuotient, shortRest) = number.quotientAndRemainder(dividingBy: short)
      #expect(shortRest < short)
      #expect(
        Paper(shortQuotient) * Paper(UInt256(short)) + Paper(UInt256(shortRest)) == Paper(number)
      )
    }
  }

  @Test("A number times a fraction is rounded down, and ends at the greatest number")
  func fractions() {
    for (number, other) in pairs() {
      for (factor, divisor): (UInt64, UInt64) in [
        (1, 1), (37, 150), (80, 20), (.max, 3), (5, .max),
      ] {
        for number in [number, other >> 3] {
          let product = Paper(number) * Paper(UInt256(factor))
          let result = number.multiplied(by: factor, dividedBy: divisor)
          let back = Paper(result) * Paper(UInt256(divisor))
          // Of what is cut off at the greatest number no more is known than that it is greater.
          if !Paper.isLess(product, than: back + Paper(UInt256(divisor))) {
            #expect(result == .max)
          }
          #expect(!Paper.isLess(product, than: back))
        }
      }
    }
  }

  // MARK: Targets

  @Test(
    "Compact forms that mean a number, as Bitcoin's own tests have them",
    arguments: [
      (0x0112_0000, "12"), (0x0200_8000, "80"), (0x0500_9234, "92340000"),
      (0x0412_3456, "12345600"), (0x0101_0000, "01"),
      (0x2012_3456, "123456" + String(repeating: "00", count: 29)),
      (0x1d00_ffff, "ffff" + String(repeating: "00", count: 26)),
      (0x207f_ffff, "7fffff" + String(repeating: "00", count: 29)),
      // 256 bits, of which the first is set.
      (0x2100_ffff, "ffff" + String(repeating: "00", count: 30)),
    ] as [(UInt32, String)]
  )
  func compact(bits: UInt32, hex: String) throws {
    let padded = String(repeating: "0", count: 64 - hex.count) + hex
    let target = UInt256(bigEndian: try #require(Bytes32(hex: padded)))
    #expect(UInt256(compact: bits) == target)
    #expect(target.compact == bits)
  }

  @Test(
    "Compact forms that are none: zero, signs, more than 256 bits, other forms of a number",
    arguments: [
      0, 0x0100_0000, 0x0100_3456, 0x0200_0056, 0x1d00_0000, 0x0492_3456, 0x01fe_dcba,
      0x0480_0000, 0x2101_0000, 0x2200_8000, 0xff12_3456, 0xff00_0001, 0x2300_0001,
      // 0x12, 0x80 and ffff0000… again.
      0x0112_3456, 0x0300_0080, 0x1e00_00ff, 0x1c7f_ffff + 0x80_0000, 0x2000_0001,
    ] as [UInt32]
  )
  func noTarget(bits: UInt32) { #expect(UInt256(compact: bits) == nil) }

  @Test("A target's compact form gives its first 16 to 23 bits, and itself again")
  func compactRoundTrip() throws {
    for number in Self.numbers where number != .zero {
      let target = try #require(UInt256(compact: number.compact))
      #expect(target.compact == number.compact)
      #expect(target <= number)
      #expect(number - target <= number >> 15)
    }
    var random = SplitMix64(seed: 3)
    for _ in 0..<100_000 {
      let bits = UInt32(truncatingIfNeeded: random.next())
      guard let target = UInt256(compact: bits) else { continue }
      #expect(target.compact == bits)
    }
  }

  @Test("Work is 2^256 / (target + 1), the first Bitcoin block's 0x100010001")
  func work() throws {
    let first = try #require(UInt256(compact: 0x1d00_ffff))
    #expect(UInt256.work(ofTarget: first) == UInt256(0x1_0001_0001))
    #expect(UInt256.work(ofTarget: .max) == .one)
    #expect(UInt256.work(ofTarget: .max - .one) == .one)
    #expect(UInt256.work(ofTarget: .max >> 1) == UInt256(2))
    #expect(UInt256.work(ofTarget: .one) == UInt256.one << 255)
    for target in Self.numbers where target != .zero && target != .max {
      let (work, divisor) = (UInt256.work(ofTarget: target), Paper(target) + Paper([1]))
      let product = Paper(work) * divisor
      #expect(!Paper.isLess(.power(ofTwo: 256), than: product))
      #expect(Paper.isLess(.power(ofTwo: 256), than: product + divisor))
    }
  }
}
