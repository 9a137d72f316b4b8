import EdDSA
public import Kernel

// What the layouts of SPEC-002, 2.1, are made of, beside Kernel's integers and bytes.

extension ByteReader {
  /// A field that may have one value only.
  mutating func expect<I: FixedWidthInteger & BitwiseCopyable>(
    _ value: I,
    _ field: String
  ) throws(DecodingFailure) {
    let bytes = try array(MemoryLayout<I>.size)
    guard bytes == value.littleEndianBytes else { throw failure(.notCanonical(field)) }
  }

  /// The version of a layout: 1.
  mutating func version() throws(DecodingFailure) {
    guard try uint16() == 1 else { throw failure(.unknown(WireField.version)) }
  }

  /// The suite of something that will be verified: 0.
  mutating func enabledSuite() throws(DecodingFailure) -> Suite {
    guard let suite = Suite(rawValue: try uint8()), suite == .ed25519 else {
      throw failure(.unknown(WireField.suite))
    }
    return suite
  }

  mutating func suite() throws(DecodingFailure) -> Suite {
    guard let suite = Suite(rawValue: try uint8()) else {
      throw failure(.unknown(WireField.suite))
    }
    return suite
  }

  mutating func flag(_ field: String) throws(DecodingFailure) -> Bool {
    switch try uint8() {
    case 0: return false
    case 1: return true
    default: throw failure(.notCanonical(field))
    }
  }

  mutating func commitment() throws(DecodingFailure) -> Commitment {
    guard let commitment = Commitment(try bytes32()) else {
      throw failure(.notCanonical(WireField.point))
    }
    return commitment
  }

  /// Below 2^63.
  mutating func sequenceNumber() throws(DecodingFailure) -> SequenceNumber {
    let number = try uint64()
    guard number < SequenceNumber.end else { throw failure(.tooLong(WireField.sequence)) }
    return SequenceNumber(number)
  }

  mutating func signature() throws(DecodingFailure) -> Signature { Signature(try bytes64()) }

  /// u8 length ‖ UTF-8.
  mutating func shortString(
    _ lengths: ClosedRange<Int>,
    _ field: String
  ) throws(DecodingFailure) -> String {
    let count = Int(try uint8())
    guard lengths.contains(count) else { throw failure(.tooLong(field)) }
    let bytes = try array(count)
    guard StrictUTF8.firstInvalidIndex(in: bytes) == nil else {
      throw failure(.notCanonical(field))
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// u32 length ‖ bytes.
  mutating func lengthPrefixed(
    max: Int,
    _ field: String
  ) throws(DecodingFailure) -> [UInt8] {
    let count = Int(try uint32())
    guard count <= max else { throw failure(.tooLong(field)) }
    return try array(count)
  }
}

extension ByteWriter {
  mutating func version() { integer(UInt16(1)) }

  mutating func flag(_ value: Bool) { integer(UInt8(value ? 1 : 0)) }

  mutating func identifier(_ value: some Identifier) { bytes32(value.bytes) }

  mutating func shortString(_ text: String) {
    let bytes = Array(text.utf8)
    precondition(bytes.count <= 255)
    integer(UInt8(bytes.count))
    array(bytes)
  }

  mutating func lengthPrefixed(_ bytes: [UInt8]) {
    integer(UInt32(bytes.count))
    array(bytes)
  }
}

/// Names of fields in decoding failures; those of the first validation rule have codes of their own.
enum WireField {
  static let version = "version"
  static let suite = "suite"
  static let kind = "kind"
  static let reserved = "reserved field"
  static let point = "point"
  static let sequence = "sequence number"
  static let claimCount = "claim count"
  static let claimOrder = "order of claims"
  static let outputCount = "output count"
  static let memoLength = "memo length"
  static let ownerMemoLength = "owner memo length"
  static let proofLength = "proof length"
  static let transition = "transition size"
  static let emptyTransition = "transition without claims and outputs"
}

/// A value with one canonical encoding.
public protocol WireCodable: Sendable {
  init(from reader: inout ByteReader) throws(DecodingFailure)

  func encode(into writer: inout ByteWriter)
}

extension WireCodable {
  /// Exactly the encoding of one value.
  public init(encoded bytes: [UInt8]) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    try self.init(from: &reader)
    try reader.finish()
  }

  public var encoded: [UInt8] {
    var writer = ByteWriter(capacity: 256)
    encode(into: &writer)
    return writer.bytes
  }
}
