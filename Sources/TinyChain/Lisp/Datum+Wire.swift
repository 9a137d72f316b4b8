public import Kernel

/// A value in a message or in a contract's state: tag 1 ‖ content. Lengths and counts take 2 bytes.
///
/// 0 list: count ‖ values · 1 false · 2 true · 3 integer 8 · 4 amount 16 · 5 symbol: length ‖ ASCII ·
/// 6 string: length ‖ UTF-8 · 7 bytes: length ‖ bytes · 8 address 20 ·
/// 9 facet: address 20 ‖ count ‖ symbols, each length ‖ ASCII.
extension Datum {
  /// Of a value that is no larger than a message can be; a machine makes no other.
  public var bytes: [UInt8] {
    var writer = ByteWriter(capacity: 64)
    encode(into: &writer)
    return writer.bytes
  }

  /// - Parameters:
  ///   - bytes: one value and nothing after it.
  ///   - facets: whether those who wrote the bytes cannot have made facets up.
  /// - Throws: `DecodingFailure` with what is wrong where.
  public init(_ bytes: [UInt8], facets: Bool) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    self = try Datum(from: &reader, facets: facets, depth: 0)
    try reader.finish()
  }

  private func encode(into writer: inout ByteWriter) {
    switch self {
    case .list(let items):
      writer.array([0] + UInt16(items.count).littleEndianBytes)
      for item in items { item.encode(into: &writer) }
    case .bool(let bool): writer.array([bool ? 2 : 1])
    case .integer(let integer): writer.array([3] + integer.littleEndianBytes)
    case .amount(let amount): writer.array([4] + amount.littleEndianBytes)
    case .symbol(let name): writer.array([5] + Self.counted(Array(name.utf8)))
    case .string(let text): writer.array([6] + Self.counted(Array(text.utf8)))
    case .bytes(let bytes): writer.array([7] + Self.counted(bytes))
    case .address(let address): writer.array([8] + address.bytes)
    case .facet(let address, let names):
      writer.array([9] + address.bytes + UInt16(names.count).littleEndianBytes)
      for name in names { writer.array(Self.counted(Array(name.utf8))) }
    }
  }

  private static func counted(_ bytes: [UInt8]) -> [UInt8] {
    UInt16(bytes.count).littleEndianBytes + bytes
  }

  /// Recursion goes no deeper than `depthMax`; each item takes a byte of input at least, so a count
  /// reserves nothing.
  private init(from reader: inout ByteReader, facets: Bool, depth: Int) throws(DecodingFailure) {
    guard depth <= Self.depthMax else { throw reader.failure(.tooLong("nesting")) }
    switch try reader.uint8() {
    case 0:
      var items: [Datum] = []
      for _ in 0..<(try reader.uint16()) {
        items.append(try Datum(from: &reader, facets: facets, depth: depth + 1))
      }
      self = .list(items)
    case 1: self = .bool(false)
    case 2: self = .bool(true)
    case 3: self = .integer(Int64(bitPattern: try reader.uint64()))
    case 4: self = .amount(try reader.uint128())
    case 5: self = .symbol(try Self.symbol(&reader))
    case 6:
      let text = try reader.array(Int(try reader.uint16()))
      guard StrictUTF8.firstInvalidIndex(in: text) == nil else {
        throw reader.failure(.notCanonical("string"))
      }
      self = .string(String(decoding: text, as: UTF8.self))
    case 7: self = .bytes(try reader.array(Int(try reader.uint16())))
    case 8: self = .address(try Address(from: &reader))
    case 9 where facets:
      let address = try Address(from: &reader)
      var names: [String] = []
      for _ in 0..<(try reader.uint16()) { names.append(try Self.symbol(&reader)) }
      self = .facet(address, names)
    default: throw reader.failure(.unknown("tag"))
    }
  }

  private static func symbol(_ reader: inout ByteReader) throws(DecodingFailure) -> String {
    let name = try reader.array(Int(try reader.uint16()))
    guard Reader.isSymbol(name) else { throw reader.failure(.notCanonical("symbol")) }
    return String(decoding: name, as: UTF8.self)
  }
}
