/// 20 bytes by value: a short hash, as addresses are.
///
/// Ordered as bytes are, first byte most significant.
public struct Bytes20: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public static let size = 20
  public static let zero = Bytes20(first: 0, last: 0)

  /// Little-endian loads of bytes 0..<16 and 16..<20.
  private let first: UInt128
  private let last: UInt32

  private init(first: UInt128, last: UInt32) {
    (self.first, self.last) = (first, last)
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    self.init(first: try reader.uint128(), last: try reader.uint32())
  }

  /// Nil for any other number of bytes than 20.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.size else { return nil }
    var reader = ByteReader(Array(bytes))
    guard let value = try? Bytes20(from: &reader) else { return nil }
    self = value
  }

  /// The last 20 bytes of a hash.
  public init(endOf hash: Bytes32) {
    let (a, b, c, d) = (hash.words.1, hash.words.2, hash.words.3, UInt32.bitWidth)
    let low = UInt128(a) >> UInt128(d) | UInt128(b) << UInt128(d) | UInt128(c) << 96
    self.init(first: low, last: UInt32(truncatingIfNeeded: c >> UInt64(d)))
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(first)
    writer.integer(last)
  }

  public var bytes: [UInt8] {
    var writer = ByteWriter(capacity: Self.size)
    encode(into: &writer)
    return writer.bytes
  }

  /// Lower-case hexadecimal.
  public var description: String { bytes.hex }

  public static func < (a: Self, b: Self) -> Bool {
    if a.first != b.first { return a.first.byteSwapped < b.first.byteSwapped }
    return a.last.byteSwapped < b.last.byteSwapped
  }
}
