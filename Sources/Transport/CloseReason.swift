import EventLoop

/// Why a connection has ended: one line for the operator.
public enum CloseReason: Error, Hashable, Sendable, CustomStringConvertible {
  /// This end closed it; the text says why.
  case local(String)
  /// The other end closed it, in order.
  case remote
  /// The system reports a failure, as "Connection reset by peer".
  case failed(String)
  /// Nothing was read or written for the idle timeout.
  case idle
  /// A deadline set with `setDeadline` passed; the text names what did not happen.
  case deadline(String)

  public var description: String {
    switch self {
    case .local(let reason): reason
    case .remote: "closed by the other end"
    case .failed(let problem): problem
    case .idle: "idle for too long"
    case .deadline(let missing): "no \(missing) in time"
    }
  }

  init(code: Int32, during attempt: String) {
    self = .failed(SystemFailure(attempt, code: code).problem)
  }
}
