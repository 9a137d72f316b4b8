import Curve25519
import Testing

@testable import BulletproofsPlus

@Suite("Openings are secret")
struct OpeningTests {
  private static let opening = Opening(value: 123_456_789, blinding: Scalar(987_654_321))

  @Test("However an opening is printed, neither value nor blinding shows")
  func printing() {
    var dumped = ""
    dump(Self.opening, to: &dumped)
    dump([Self.opening], to: &dumped)
    let printed = [
      "\(Self.opening)", String(describing: Self.opening), String(reflecting: Self.opening),
      "\([Self.opening])", "\(Self.opening as Any?)", dumped,
    ]
    for text in printed {
      #expect(text.contains("hidden"))
      #expect(!text.contains("123456789"))
      #expect(!text.contains("987654321"))
    }
    #expect(Mirror(reflecting: Self.opening).children.isEmpty)
  }

  @Test("Wiped bytes are zeros")
  func wiping() {
    var bytes: [UInt8] = [1, 2, 3]
    bytes.wipe()
    #expect(bytes == [0, 0, 0])
  }

  @Test("64 bytes count as one little-endian number")
  func wide() {
    for position in [0, 7, 8, 31, 32, 40, 63] {
      var bytes = [UInt8](repeating: 0, count: 64)
      bytes[position] = 2
      var power = Scalar(2)
      for _ in 0..<8 * position { power = power + power }
      #expect(Scalar(wide: bytes) == power)
    }
  }
}
