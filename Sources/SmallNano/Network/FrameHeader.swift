public import Kernel

/// The eight bytes before every message.
///
///       0  1  'S'             4  1  type
///       1  1  'N'             5  1  flags
///       2  1  network         6  2  body length
///       3  1  version (2)
///
/// A connection that sends another magic, network or version is closed with the reason in the log:
/// what follows cannot be understood.
public struct FrameHeader: Hashable, Sendable {
  public let type: MessageType
  public let flags: FrameFlags
  public let bodyLength: Int

  public static let size = 8
  public static let version: UInt8 = 2

  /// The longest frame of any type: what a connection's read buffer must hold.
  public static let frameMax = size + Int(UInt16.max)

  init(type: MessageType, flags: FrameFlags, bodyLength: Int) {
    precondition(type.bodySize(flags: flags).contains(bodyLength))
    self.type = type
    self.flags = flags
    self.bodyLength = bodyLength
  }

  /// Reads the first 8 bytes, and whether a message of that type can have that length.
  ///
  /// - Throws: `FrameFailure` for the first field, in the order above, that is wrong.
  public init(_ bytes: some Collection<UInt8>, network: Network) throws(FrameFailure) {
    let fields = Array(bytes.prefix(Self.size))
    guard fields.count == Self.size else { throw .truncated }
    guard fields[0] == UInt8(ascii: "S"), fields[1] == UInt8(ascii: "N") else { throw .wrongMagic }
    guard fields[2] == network.rawValue else { throw .wrongNetwork(fields[2]) }
    guard fields[3] == Self.version else { throw .wrongVersion(fields[3]) }
    guard let type = MessageType(rawValue: fields[4]) else { throw .unknownType(fields[4]) }
    let flags = FrameFlags(rawValue: fields[5])
    guard flags.isKnown(for: type) else { throw .unknownFlags(type, fields[5]) }
    let length = Int(fields[6]) | Int(fields[7]) << 8
    guard type.bodySize(flags: flags).contains(length) else { throw .wrongLength(type, length) }
    self.type = type
    self.flags = flags
    bodyLength = length
  }

  public func encode(into writer: inout ByteWriter, network: Network) {
    writer.integer(UInt8(ascii: "S"))
    writer.integer(UInt8(ascii: "N"))
    writer.integer(network.rawValue)
    writer.integer(Self.version)
    writer.integer(type.rawValue)
    writer.integer(flags.rawValue)
    writer.integer(UInt16(bodyLength))
  }
}

/// The header's flags: zero, except that telemetry says "request" with the lowest bit.
public struct FrameFlags: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt8

  public static let none = FrameFlags(rawValue: 0)
  public static let request = FrameFlags(rawValue: 1)

  public init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  func isKnown(for type: MessageType) -> Bool {
    self == .none || (type == .telemetry && self == .request)
  }
}

/// Why a header is refused.
///
/// The connection is closed; this is the line in the log.
public enum FrameFailure: Error, Hashable, Sendable, CustomStringConvertible {
  case truncated
  case wrongMagic
  case wrongNetwork(UInt8)
  case wrongVersion(UInt8)
  case unknownType(UInt8)
  case unknownFlags(MessageType, UInt8)
  case wrongLength(MessageType, Int)

  public var description: String {
    switch self {
    case .truncated: "the frame ends inside its header"
    case .wrongMagic: "this is not the smallnano protocol"
    case .wrongNetwork(let byte):
      if let network = Network(rawValue: byte) {
        "the peer is of the \(network.name) network"
      } else {
        "the peer is of an unknown network (\(byte))"
      }
    case .wrongVersion(let version):
      "the peer speaks protocol version \(version), this node \(FrameHeader.version)"
    case .unknownType(let type): "no message has type \(type)"
    case .unknownFlags(let type, let flags): "a \(type) message has no flags \(flags)"
    case .wrongLength(let type, let length): "a \(type) message cannot have \(length) bytes"
    }
  }
}
