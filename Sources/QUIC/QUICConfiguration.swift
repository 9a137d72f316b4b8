public import Kernel

/// How an endpoint speaks.
public struct QUICConfiguration: Sendable {
  /// The protocol on top, for ALPN: both ends must name the same.
  public var protocolName: String
  public var limits: QUICLimits
  /// Thirty-two bytes from which stateless resets are made.
  ///
  /// Kept over a restart, they tell peers at once that their connections are gone; random ones leave
  /// them to wait for the idle timeout. Nil for random ones.
  public var resetSecret: SecretBytes?
  /// Told each step of each handshake, for a log at debug level.
  public var onStep: (@Sendable (QUICHandshakeStep) -> Void)?

  public init(
    protocolName: String,
    limits: QUICLimits = QUICLimits(),
    resetSecret: SecretBytes? = nil,
    onStep: (@Sendable (QUICHandshakeStep) -> Void)? = nil
  ) {
    // RFC 7301: a name has 1 to 255 bytes.
    precondition((1...255).contains(protocolName.utf8.count))
    self.protocolName = protocolName
    self.limits = limits
    self.resetSecret = resetSecret
    self.onStep = onStep
  }
}

/// A step of a handshake: with whom, and what.
public struct QUICHandshakeStep: Hashable, Sendable, CustomStringConvertible {
  public enum Step: String, Sendable {
    /// A first packet was sent.
    case calling
    /// A first packet came, and a connection was begun for it.
    case called
    /// The client must first show that it is where it says it is.
    case retryAsked = "retry_asked"
    /// The client has shown it.
    case addressValidated = "address_validated"
    /// Its token was old, or not from here.
    case tokenRefused = "token_refused"
    /// There are as many connections as there may be.
    case refused
    /// A version of QUIC that is not spoken here.
    case versionRefused = "version_refused"
    /// Keys are agreed upon; who the other end is, is not known yet.
    case established
    /// It ended before that.
    case failed
  }

  public let remote: SocketAddress
  public let step: Step
  /// Why it failed.
  public let reason: String?

  public var description: String {
    "\(step.rawValue) \(remote)" + (reason.map { ": " + $0 } ?? "")
  }
}
