/// Appends fields to a message; integers are little-endian.
public struct ByteWriter: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init(capacity: Int = 0) {
    bytes.reserveCapacity(capacity)
  }

  /// Inlinable, as callers write a few bytes many times and would else ask at run time how many.
  @inlinable
  public mutating func integer<I: FixedWidthInteger & BitwiseCopyable>(_ value: I) {
    withUnsafeBytes(of: value.littleEndian) { append($0) }
  }

  @usableFromInline
  mutating func append(_ field: UnsafeRawBufferPointer) {
    bytes.append(contentsOf: field)
  }

  public mutating func bytes32(_ value: Bytes32) {
    value.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  public mutating func bytes64(_ value: Bytes64) {
    bytes32(value.low)
    bytes32(value.high)
  }

  public mutating func array(_ value: [UInt8]) {
    bytes.append(contentsOf: value)
  }
}

extension FixedWidthInteger where Self: BitwiseCopyable {
  @inlinable
  public var littleEndianBytes: [UInt8] { Swift.withUnsafeBytes(of: littleEndian) { [UInt8]($0) } }
}
