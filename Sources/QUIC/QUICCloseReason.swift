/// Why a QUIC connection has ended: one line for the operator.
public enum QUICCloseReason: Error, Hashable, Sendable, CustomStringConvertible {
  /// This end closed it, with a code of the protocol on top.
  case local(code: UInt64, String)
  /// The other end closed it, with a code of the protocol on top.
  case remote(code: UInt64, String)
  /// QUIC itself failed: found here, or told by the other end; RFC 9000 §20.1 lists the codes.
  case transport(code: UInt64, String, isRemote: Bool)
  /// Nothing was heard for the idle timeout.
  case idle
  /// The handshake was not done in time: nobody there, or nobody who speaks QUIC.
  case handshakeTimeout
  /// The other end knows nothing of the connection: it was restarted.
  case reset

  public var description: String {
    switch self {
    case .local(let code, let reason): "\(reason) (code \(code))"
    case .remote(let code, ""): "closed by the other end with code \(code)"
    case .remote(let code, let reason): "closed by the other end with code \(code): \(reason)"
    case .transport(let code, let problem, let isRemote):
      "\(isRemote ? "the other end found a" : "a") QUIC error \(code): \(problem)"
    case .idle: "idle for too long"
    case .handshakeTimeout: "no handshake in time"
    case .reset: "the other end was restarted"
    }
  }
}
