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

  /// Reads a header, and whether a message of its type can have its length.
  ///
  /// - Parameter bytes: at least 8; those after them are not looked at.
  /// - Throws: `FrameFailure` for the first field, in the order above, that is wrong.
  public init(_ bytes: some Collection<UInt8>, network: Network) throws(FrameFailure) {
    var reader = ByteReader(Array(bytes.prefix(Self.size)))
    do {
      guard try reader.uint8() == UInt8(ascii: "S"), try reader.uint8() == UInt8(ascii: "N") else {
        throw FrameFailure.wrongMagic
      }
      let networkByte = try reader.uint8()
      guard networkByte == network.rawValue else { throw FrameFailure.wrongNetwork(networkByte) }
      let version = try reader.uint8()
      guard version == Self.version else { throw FrameFailure.wrongVersion(version) }
      let typeByte = try reader.uint8()
      guard let type = MessageType(rawValue: typeByte) else {
        throw FrameFailure.unknownType(typeByte)
      }
      let flags = FrameFlags(rawValue: try reader.uint8())
      guard flags.isKnown(for: type) else { throw FrameFailure.unknownFlags(type, flags.rawValue) }
      let length = Int(try reader.uint16())
      guard type.bodySize(flags: flags).contains(length) else {
        throw FrameFailure.wrongLength(type, length)
      }
      self.type = type
      self.flags = flags
      bodyLength = length
    } catch let failure as FrameFailure {
      throw failure
    } catch {
      throw .truncated
    }
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
