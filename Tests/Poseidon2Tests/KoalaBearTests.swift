import Kernel
import Testing

@testable import Poseidon2

@Suite("The field KoalaBear")
struct KoalaBearTests {
  static let p = UInt64(KoalaBear.modulus)

  /// Those at the edges of every reduction, and some others.
  static let values: [UInt32] = {
    var random = SplitMix64(seed: 1)
    let edges: [UInt32] = [0, 1, 2, 3, 127, 128, 0xffff_ff, 0x100_0000, 0x100_0001]
    let some = (0..<60).map { _ in UInt32.random(in: 0..<KoalaBear.modulus, using: &random) }
    return edges + edges.map { KoalaBear.modulus - 1 - $0 } + some
  }()

  @Test("An integer is kept modulo p", arguments: values)
  func roundTrip(_ value: UInt32) {
    #expect(KoalaBear(value).value == value)
    #expect(KoalaBear(value).montgomery == UInt32((UInt64(value) << 32) % Self.p))
    #expect(KoalaBear(KoalaBear.modulus + value).value == value)
    #expect(KoalaBear(.max).value == UInt32(UInt64(UInt32.max) % Self.p))
  }

  @Test("Sum, difference and product are those of integers modulo p", arguments: values)
  func operations(_ a: UInt32) {
    for b in Self.values {
      let (x, y) = (KoalaBear(a), KoalaBear(b))
      #expect((x + y).value == UInt32((UInt64(a) + UInt64(b)) % Self.p))
      #expect((x - y).value == UInt32((UInt64(a) + Self.p - UInt64(b)) % Self.p))
      #expect((x * y).value == UInt32(UInt64(a) * UInt64(b) % Self.p))
    }
    let square = UInt64(a) * UInt64(a) % Self.p
    #expect(KoalaBear(a).cubed.value == UInt32(square * UInt64(a) % Self.p))
    #expect(KoalaBear(a).doubled == KoalaBear(a) + KoalaBear(a))
  }

  @Test("A quotient by a power of two, doubled as often, is the element", arguments: values)
  func quotient(_ a: UInt32) {
    for exponent: UInt32 in 1...24 {
      let quotient = KoalaBear(a).divided(byTwoToThe: exponent)
      #expect(quotient.montgomery < KoalaBear.modulus)
      #expect((0..<exponent).reduce(quotient) { x, _ in x.doubled } == KoalaBear(a))
    }
  }
}
