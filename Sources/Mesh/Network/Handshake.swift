public import EdDSA
public import Kernel

/// The first frame of both sides: who speaks, and proof of it over the TLS exporter.
///
///     protocol u16 = 1 ‖ role u8 ‖ suite u8 (0xff: anonymous) ‖ network 32 ‖ epoch u64
///     ‖ validator u16 (0xffff: none) ‖ key 32 (zero: anonymous) ‖ features u32 ‖ log head u64
///     ‖ agent str8 ‖ signature 64 unless anonymous
///
/// Signed: T("sign/handshake", side ‖ exporter 32 ‖ all fields before), side 0 for the QUIC client and
/// 1 for the server. The exporter belongs to one TLS connection: a man in the middle has two.
public struct Handshake: Hashable, Sendable {
  public enum Role: UInt8, Sendable {
    case wallet = 0
    case validator = 1
  }

  public enum Side: UInt8, Sendable {
    case client = 0
    case server = 1
  }

  public struct Features: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32

    public static let recoveryBallots = Features(rawValue: 1)
    public static let stealth = Features(rawValue: 2)
    public static let prunedCertificates = Features(rawValue: 4)
    public static let subscriptions = Features(rawValue: 8)

    public init(rawValue: UInt32) { self.rawValue = rawValue }
  }

  /// A key that is proved, and whose it is.
  public struct Identity: Hashable, Sendable {
    public let key: PublicKey
    /// Nil for a wallet that shows its key.
    public let validator: ValidatorIndex?

    public init(key: PublicKey, validator: ValidatorIndex?) {
      self.key = key
      self.validator = validator
    }
  }

  public let role: Role
  public let network: NetworkID
  public let epoch: Epoch
  /// Nil: anonymous.
  public let identity: Identity?
  public let features: Features
  public let logHead: UInt64
  public let agent: String
  /// Nil exactly if anonymous.
  public let signature: Signature?

  private init(
    role: Role,
    network: NetworkID,
    epoch: Epoch,
    identity: Identity?,
    features: Features,
    logHead: UInt64,
    agent: String,
    signature: Signature?
  ) {
    self.role = role
    self.network = network
    self.epoch = epoch
    self.identity = identity
    self.features = features
    self.logHead = logHead
    self.agent = agent
    self.signature = signature
  }

  /// A wallet that does not say who it is.
  public static func anonymous(network: NetworkID, agent: String) -> Handshake {
    Handshake(
      role: .wallet,
      network: network,
      epoch: .zero,
      identity: nil,
      features: [],
      logHead: 0,
      agent: agent,
      signature: nil
    )
  }

  /// A validator's, signed for one connection.
  public static func signed(
    by key: SecretKey,
    as validator: ValidatorIndex,
    network: NetworkID,
    features: Features,
    logHead: UInt64,
    agent: String,
    side: Side,
    exporter: Bytes32
  ) -> Handshake {
    func handshake(_ signature: Signature) -> Handshake {
      Handshake(
        role: .validator,
        network: network,
        epoch: .zero,
        identity: Identity(key: key.publicKey, validator: validator),
        features: features,
        logHead: logHead,
        agent: agent,
        signature: signature
      )
    }
    let message = handshake(.zero).message(side: side, exporter: exporter)
    return handshake(key.sign(message))
  }

  /// What the signature is over.
  func message(side: Side, exporter: Bytes32) -> [UInt8] {
    var writer = ByteWriter(capacity: 160)
    writer.integer(side.rawValue)
    writer.bytes32(exporter)
    encodeFields(into: &writer)
    return Tag.signHandshake.message(writer.bytes)
  }

  /// Whether the peer may be spoken to on this connection.
  ///
  /// - Parameters:
  ///   - side: the peer's.
  ///   - exporter: of this TLS connection.
  ///   - genesis: of the network that this side is in.
  /// - Returns: nil, or the code to close with.
  public func failure(side: Side, exporter: Bytes32, on genesis: Genesis) -> CloseCode? {
    guard network == genesis.id else { return .wrongNetwork }
    guard let identity, let signature else { return role == .wallet ? nil : .identityMismatch }
    if role == .validator {
      guard let validator = identity.validator,
        genesis.validators.key(validator) == identity.key
      else { return .identityMismatch }
    }
    let message = message(side: side, exporter: exporter)
    return Ed25519.isValid(signature, of: message, by: identity.key) ? nil : .handshakeFailed
  }
}

extension Handshake: WireCodable {
  private static let noValidator = UInt16.max
  private static let noSuite: UInt8 = 0xff

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    guard try reader.uint16() == 1 else { throw reader.failure(.unknown(WireField.version)) }
    guard let role = Role(rawValue: try reader.uint8()) else {
      throw reader.failure(.unknown("role"))
    }
    let suite = try reader.uint8()
    guard suite == Self.noSuite || suite == Suite.ed25519.rawValue else {
      throw reader.failure(.unknown(WireField.suite))
    }
    let isAnonymous = suite == Self.noSuite
    self.role = role
    network = NetworkID(try reader.bytes32())
    epoch = Epoch(try reader.uint64())
    let index = try reader.uint16()
    let key = PublicKey(try reader.bytes32())
    guard (index != Self.noValidator) == (role == .validator), !(isAnonymous && role == .validator),
      !isAnonymous || key.bytes.isZero
    else { throw reader.failure(.notCanonical("identity")) }
    let validator = role == .validator ? ValidatorIndex(index) : nil
    identity = isAnonymous ? nil : Identity(key: key, validator: validator)
    features = Features(rawValue: try reader.uint32())
    logHead = try reader.uint64()
    agent = try reader.shortString(0...255, "agent")
    signature = isAnonymous ? nil : try reader.signature()
  }

  public func encode(into writer: inout ByteWriter) {
    encodeFields(into: &writer)
    if let signature { writer.bytes64(signature.bytes) }
  }

  private func encodeFields(into writer: inout ByteWriter) {
    writer.integer(UInt16(1))
    writer.integer(role.rawValue)
    writer.integer(identity == nil ? Self.noSuite : Suite.ed25519.rawValue)
    writer.identifier(network)
    writer.integer(epoch.number)
    writer.integer(identity?.validator?.number ?? Self.noValidator)
    writer.bytes32(identity?.key.bytes ?? .zero)
    writer.integer(features.rawValue)
    writer.integer(logHead)
    writer.shortString(agent)
  }
}
