/// Ties an answer to its question: one stream.
///
/// The side that asks numbers its exchanges; a number is never used twice on one connection.
public struct Exchange: Hashable, Comparable, Sendable, BitwiseCopyable {
  public let number: UInt64

  public init(_ number: UInt64) { self.number = number }

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }
}

/// What validators and wallets say to each other, with the stream it is said on.
public enum MeshMessage: Hashable, Sendable {
  case request(Request, Exchange)
  case response(Response, Exchange)
  case ping(Ping)
  case pong(Pong)

  public var type: MessageType {
    switch self {
    case .request(let request, _): request.type
    case .response(let response, _): response.type
    case .ping: .ping
    case .pong: .pong
    }
  }

  /// For the stream; handshakes and farewells are the connection's own.
  public var frame: Frame {
    switch self {
    case .request(let request, _): .request(request)
    case .response(let response, _): .response(response)
    case .ping(let ping): .control(.ping(ping))
    case .pong(let pong): .control(.pong(pong))
    }
  }
}
