public import Kernel

/// Asks whether the peer is still there.
///
///     nonce u64 ‖ sent u64, milliseconds of the asker's clock
public struct Ping: Hashable, Sendable, WireCodable {
  public let nonce: UInt64
  public let sentMs: UInt64

  public init(nonce: UInt64, sentMs: UInt64) {
    self.nonce = nonce
    self.sentMs = sentMs
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    nonce = try reader.uint64()
    sentMs = try reader.uint64()
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(nonce)
    writer.integer(sentMs)
  }
}

/// The answer, with how far the answerer's log goes: that is how a peer learns it is behind.
///
///     Ping ‖ log head u64
public struct Pong: Hashable, Sendable, WireCodable {
  public let ping: Ping
  public let logHead: UInt64

  public init(ping: Ping, logHead: UInt64) {
    self.ping = ping
    self.logHead = logHead
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    ping = try Ping(from: &reader)
    logHead = try reader.uint64()
  }

  public func encode(into writer: inout ByteWriter) {
    ping.encode(into: &writer)
    writer.integer(logHead)
  }
}

/// Why a connection ends, or a request gets no answer.
///
///     code u16 ‖ reason str8
public struct Farewell: Hashable, Sendable, WireCodable {
  public let code: CloseCode
  /// For a log: at most 255 bytes.
  public let reason: String

  public init(code: CloseCode, reason: String) {
    self.code = code
    self.reason = reason
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    guard let code = CloseCode(rawValue: try reader.uint16()) else {
      throw reader.failure(.unknown("close code"))
    }
    self.code = code
    reason = try reader.shortString(0...Limits.reasonBytes, "reason")
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(code.rawValue)
    writer.shortString(reason)
  }
}
