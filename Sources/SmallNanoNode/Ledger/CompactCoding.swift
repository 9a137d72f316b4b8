import Kernel
import SmallNano

// Numbers as rows hold them: no bytes for what is zero.
//
//   varint    7 bits a byte, least significant first; the high bit says that more follow
//   amount    head 1 ‖ mantissa 1...16, little-endian; the value is mantissa · 1000^(head >> 4), the
//             mantissa has (head & 15) + 1 bytes. "12.5 smn" takes 3 bytes, any amount at most 17.

extension ByteWriter {
  mutating func varint(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      integer(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    integer(UInt8(value))
  }

  mutating func compact(_ amount: Amount) {
    var mantissa = amount.raw
    var thousands: UInt8 = 0
    while thousands < 12, mantissa > 0, mantissa.isMultiple(of: 1000) {
      mantissa /= 1000
      thousands += 1
    }
    let bits = UInt128.bitWidth - mantissa.leadingZeroBitCount
    let size = max(1, (bits + 7) / 8)
    integer(thousands << 4 | UInt8(size - 1))
    for index in 0..<size {
      integer(UInt8(truncatingIfNeeded: mantissa >> UInt128(8 * index)))
    }
  }
}

extension ByteReader {
  mutating func varint() throws(DecodingFailure) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 63, by: 7) {
      let byte = try uint8()
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw failure(.tooLong("63 bits"))
  }

  mutating func compactAmount() throws(DecodingFailure) -> Amount {
    let head = try uint8()
    var mantissa: UInt128 = 0
    for index in 0...(head & 15) {
      mantissa |= UInt128(try uint8()) << UInt128(8 * index)
    }
    for _ in 0..<(head >> 4) {
      let (product, overflow) = mantissa.multipliedReportingOverflow(by: 1000)
      guard !overflow else { throw failure(.tooLong("128 bits")) }
      mantissa = product
    }
    return Amount(raw: mantissa)
  }
}

extension Amount {
  /// The amount alone, for a column of its own.
  var compact: [UInt8] {
    var writer = ByteWriter(capacity: 17)
    writer.compact(self)
    return writer.bytes
  }

  init(compact bytes: [UInt8]) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    self = try reader.compactAmount()
    try reader.finish()
  }
}
