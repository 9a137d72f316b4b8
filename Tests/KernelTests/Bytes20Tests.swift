import Kernel
import Testing

@Suite("Short byte strings by value")
struct Bytes20Tests {
  @Test("20 bytes read, print and sort as bytes do; the end of a hash is its last 20")
  func bytes20() throws {
    let bytes = (0..<32).map { UInt8(7 &* $0 &+ 3) }
    let hash = try #require(Bytes32(bytes))
    let end = Bytes20(endOf: hash)
    #expect(end.bytes == Array(bytes.suffix(20)))
    #expect(Bytes20(bytes.suffix(20)) == end)
    #expect(end.description == end.bytes.hex)
    #expect(Bytes20(bytes) == nil)
    for index in 0..<20 {
      var larger = end.bytes
      larger[index] += 1
      #expect(end < (try #require(Bytes20(larger))))
    }
  }

  @Test("Bits of 32 bytes count from the first byte's most significant")
  func bits() throws {
    let bytes = (0..<32).map { UInt8(truncatingIfNeeded: 37 * $0 + 11) }
    let value = try #require(Bytes32(bytes))
    for index in 0..<256 {
      #expect(value.bit(index) == (bytes[index / 8] >> UInt8(7 - index % 8) & 1 == 1))
      var other = bytes
      other[index / 8] ^= 0x80 >> UInt8(index % 8)
      if index % 8 < 7 { other[index / 8] ^= 1 }
      #expect(value.firstDifference(from: try #require(Bytes32(other))) == index)
    }
    #expect(value.firstDifference(from: value) == 256)
  }
}
