public import EdDSA
public import Kernel
public import Mesh
public import Service

extension MeshNetwork {
  /// Who this end is.
  public enum Identity: Sendable {
    /// Anonymous: it calls and is never called.
    case wallet
    case validator(SecretKey, ValidatorIndex)

    var index: ValidatorIndex? {
      if case .validator(_, let index) = self { index } else { nil }
    }
  }

  /// What does not change while the node runs.
  public struct Settings: Sendable {
    public let genesis: Genesis
    public let identity: Identity
    /// Where validators are; a validator calls those with an index above its own.
    public let validators: [ValidatorIndex: HostPort]
    /// Where to be called; nil for a wallet.
    public var listen: SocketAddress?
    /// Name and version, for the other end's log.
    public let agent: String
    /// Of each wallet's host, a second; twice as many in a burst.
    public var votesPerSecond: UInt64 = 200
    public var handshakeTimeout = Duration.seconds(5)
    public var answerTimeout = Duration.seconds(10)
    /// Kept over a restart, tells the others at once that it happened.
    public var resetSecret: SecretBytes?

    /// Messages checked in one batch.
    ///
    /// A larger one gains little speed and costs the first of it time.
    static let batchMax = 128
    /// Messages of one connection whose checks may fail.
    static let offencesMax = 5
    static let protocolName = "mesh/1"

    public init(
      genesis: Genesis,
      identity: Identity,
      validators: [ValidatorIndex: HostPort],
      listen: SocketAddress? = nil,
      agent: String
    ) {
      self.genesis = genesis
      self.identity = identity
      self.validators = validators
      self.listen = listen
      self.agent = agent
    }

    /// In ascending order.
    var called: [(validator: ValidatorIndex, host: HostPort)] {
      let own = identity.index
      return validators.sorted { $0.key < $1.key }.filter { validator, _ in
        own.map { $0 < validator } ?? true
      }
      .map { ($0.key, $0.value) }
    }
  }
}
