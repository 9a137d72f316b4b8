public import Kernel

/// Names an output: the transition that made it, and its place there.
///
///      0  32  transition hash
///     32   2  index
public struct OutputReference: Hashable, Comparable, Sendable, BitwiseCopyable, WireCodable,
  CustomStringConvertible
{
  public let source: TransitionHash
  public let index: UInt16

  public static let size = 34

  public init(source: TransitionHash, index: UInt16) {
    self.source = source
    self.index = index
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    source = TransitionHash(try reader.bytes32())
    index = try reader.uint16()
  }

  public func encode(into writer: inout ByteWriter) {
    writer.identifier(source)
    writer.integer(index)
  }

  /// The order of the encodings: the index is little-endian.
  public static func < (a: Self, b: Self) -> Bool {
    a.source != b.source ? a.source < b.source : a.index.byteSwapped < b.index.byteSwapped
  }

  public var description: String { "\(source):\(index)" }
}
