/// Reads a message field by field; every length is checked before anything is copied.
///
/// All integers are little-endian. A decoder reads every field and ends with `finish()`, so that
/// trailing bytes are an error and each value has one encoding.
public struct ByteReader: Sendable {
  private let bytes: [UInt8]
  private var offset = 0

  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  public var remaining: Int { bytes.count - offset }

  public mutating func uint8() throws(DecodingFailure) -> UInt8 {
    try integer(UInt8.self)
  }

  public mutating func uint16() throws(DecodingFailure) -> UInt16 {
    try integer(UInt16.self)
  }

  public mutating func uint32() throws(DecodingFailure) -> UInt32 {
    try integer(UInt32.self)
  }

  public mutating func uint64() throws(DecodingFailure) -> UInt64 {
    try integer(UInt64.self)
  }

  public mutating func uint128() throws(DecodingFailure) -> UInt128 {
    let low = try uint64()
    let high = try uint64()
    return UInt128(high) << 64 | UInt128(low)
  }

  public mutating func bytes32() throws(DecodingFailure) -> Bytes32 {
    let first = try uint64()
    let second = try uint64()
    let third = try uint64()
    let fourth = try uint64()
    return Bytes32(words: (first, second, third, fourth))
  }

  public mutating func bytes64() throws(DecodingFailure) -> Bytes64 {
    let low = try bytes32()
    let high = try bytes32()
    return Bytes64(low: low, high: high)
  }

  /// Copies `count` bytes.
  ///
  /// The caller has bounded `count`; it is still checked against the input.
  public mutating func array(_ count: Int) throws(DecodingFailure) -> [UInt8] {
    guard count >= 0, count <= remaining else {
      throw DecodingFailure(.truncated, at: offset)
    }
    defer { offset += count }
    return [UInt8](bytes[offset..<offset + count])
  }

  /// Throws unless every byte was read.
  public func finish() throws(DecodingFailure) {
    guard remaining == 0 else { throw DecodingFailure(.trailingBytes, at: offset) }
  }

  /// A failure of the caller's own rule at the current position.
  public func failure(_ problem: DecodingFailure.Problem) -> DecodingFailure {
    DecodingFailure(problem, at: offset)
  }

  private mutating func integer<I: FixedWidthInteger & BitwiseCopyable>(
    _: I.Type
  ) throws(DecodingFailure) -> I {
    let size = MemoryLayout<I>.size
    guard size <= remaining else { throw DecodingFailure(.truncated, at: offset) }
    defer { offset += size }
    return I(
      littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: I.self) }
    )
  }
}

/// Why bytes are not a message, and where.
public struct DecodingFailure: Error, Hashable, CustomStringConvertible {
  public enum Problem: Hashable, Sendable {
    case truncated
    case trailingBytes
    /// A count or length over its limit; the name is the limit's.
    case tooLong(String)
    /// A field holds a value that no encoder writes.
    case notCanonical(String)
    /// A type, kind or flag that this version does not know.
    case unknown(String)
  }

  public let problem: Problem
  public let offset: Int

  public init(_ problem: Problem, at offset: Int) {
    self.problem = problem
    self.offset = offset
  }

  public var description: String {
    switch problem {
    case .truncated: "ends at byte \(offset), in the middle of a field"
    case .trailingBytes: "has bytes after its end, at byte \(offset)"
    case .tooLong(let limit): "exceeds \(limit) at byte \(offset)"
    case .notCanonical(let field): "has a \(field) that is not canonical at byte \(offset)"
    case .unknown(let field): "has an unknown \(field) at byte \(offset)"
    }
  }
}
