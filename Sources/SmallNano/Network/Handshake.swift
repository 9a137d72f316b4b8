public import EdDSA
public import Kernel

/// One connection's handshake: both sides prove their node keys before anything else is said.
///
///     initiator                              responder
///         hello(cookie I, chain)  ──────────►
///                                 ◄──────────  hello(cookie R, chain)
///                                 ◄──────────  ack(cookie I, node R, signature)
///         ack(cookie R, node I, signature) ──►
///
/// Each signature covers the chain, both cookies, both node ids and the protocol version; the
/// initiator's id is zero in the responder's, which does not know it yet. So a signature fits one
/// connection, one direction and one role: replayed or reflected it does not verify. It proves a
/// key, not an address: whoever stands in the middle can still read and drop.
///
/// Pure: the cookie and the key are arguments; timeouts are the connection's.
public struct Handshake: Sendable {
  public enum Role: Hashable, Sendable {
    /// Dialled.
    case initiator
    /// Was dialled.
    case responder
  }

  /// What is to be done after a message.
  public struct Step: Hashable, Sendable {
    /// To be sent, in this order.
    public let replies: [WireMessage]
    /// The peer's node id, once it is proved: from here on other messages are exchanged.
    public let peer: PublicKey?

    init(replies: [WireMessage] = [], peer: PublicKey? = nil) {
      self.replies = replies
      self.peer = peer
    }
  }

  private enum State: Sendable {
    case awaitingHello
    case awaitingAck(peerCookie: Bytes32)
    case completed
    case failed
  }

  public let role: Role
  private let chain: ChainID
  private let key: SecretKey
  private let cookie: Bytes32
  private var state = State.awaitingHello

  /// A handshake at its beginning.
  ///
  /// - Parameters:
  ///   - role: who dialled.
  ///   - chain: of the network this node is in.
  ///   - key: the node's own, never a wallet's.
  ///   - cookie: 32 random bytes, new for each connection.
  public init(role: Role, chain: ChainID, key: SecretKey, cookie: Bytes32) {
    self.role = role
    self.chain = chain
    self.key = key
    self.cookie = cookie
  }

  public var isCompleted: Bool {
    if case .completed = state { true } else { false }
  }

  /// What to send as soon as the connection stands: an initiator speaks first.
  public var opening: [WireMessage] {
    role == .initiator ? [.handshake(HandshakeHello(cookie: cookie, chain: chain))] : []
  }

  /// Takes the next message of the peer.
  ///
  /// - Throws: `HandshakeFailure`; the connection is to be closed, and every further message fails.
  public mutating func receive(_ message: WireMessage) throws(HandshakeFailure) -> Step {
    let before = state
    state = .failed
    switch (before, message) {
    case (.awaitingHello, .handshake(let hello)):
      let replies = try accept(hello)
      state = .awaitingAck(peerCookie: hello.cookie)
      return Step(replies: replies)
    case (.awaitingAck(let peerCookie), .handshakeAck(let ack)):
      let replies = try accept(ack, peerCookie: peerCookie)
      state = .completed
      return Step(replies: replies, peer: ack.node)
    case (.awaitingHello, _), (.awaitingAck, _), (.completed, _), (.failed, _):
      throw .unexpected(message.type)
    }
  }

  private func accept(_ hello: HandshakeHello) throws(HandshakeFailure) -> [WireMessage] {
    guard hello.chain == chain else { throw .wrongChain(hello.chain) }
    guard hello.cookie != cookie else { throw .reflected }
    switch role {
    case .initiator:
      return []
    case .responder:
      return [
        .handshake(HandshakeHello(cookie: cookie, chain: chain)),
        ack(peerCookie: hello.cookie, initiator: Self.unknownNode, responder: key.publicKey),
      ]
    }
  }

  private func accept(
    _ ack: HandshakeAck,
    peerCookie: Bytes32
  ) throws(HandshakeFailure) -> [WireMessage] {
    guard ack.cookie == cookie else { throw .wrongCookie }
    guard ack.node != Self.unknownNode else { throw .zeroNode }
    guard ack.node != key.publicKey else { throw .connectedToSelf }
    let signed = digest(
      peerCookie: peerCookie,
      initiator: role == .initiator ? Self.unknownNode : ack.node,
      responder: role == .initiator ? ack.node : key.publicKey
    )
    guard Ed25519.isValid(ack.signature, of: signed.bytes, by: ack.node) else {
      throw .badSignature
    }
    switch role {
    case .initiator:
      return [self.ack(peerCookie: peerCookie, initiator: key.publicKey, responder: ack.node)]
    case .responder:
      return []
    }
  }

  private func ack(
    peerCookie: Bytes32,
    initiator: PublicKey,
    responder: PublicKey
  ) -> WireMessage {
    let signed = digest(peerCookie: peerCookie, initiator: initiator, responder: responder)
    return .handshakeAck(
      HandshakeAck(
        cookie: peerCookie,
        node: key.publicKey,
        signature: key.sign(signed.bytes)
      )
    )
  }

  private func digest(
    peerCookie: Bytes32,
    initiator: PublicKey,
    responder: PublicKey
  ) -> Bytes32 {
    Self.digest(
      chain: chain,
      initiatorCookie: role == .initiator ? cookie : peerCookie,
      responderCookie: role == .initiator ? peerCookie : cookie,
      initiator: initiator,
      responder: responder
    )
  }

  /// The initiator's id in the responder's signature.
  private static let unknownNode = PublicKey(.zero)

  /// What an ack signs: BLAKE2b-256, personal `smn.hello`, of
  /// chain id ‖ initiator's cookie ‖ responder's cookie ‖ initiator ‖ responder ‖ version 1.
  static func digest(
    chain: ChainID,
    initiatorCookie: Bytes32,
    responderCookie: Bytes32,
    initiator: PublicKey,
    responder: PublicKey
  ) -> Bytes32 {
    var hash = BLAKE2b(personal: "smn.hello", capacity: 161)
    hash.update(chain.bytes)
    hash.update(initiatorCookie)
    hash.update(responderCookie)
    hash.update(initiator.bytes)
    hash.update(responder.bytes)
    hash.update(integer: FrameHeader.version)
    return hash.finalize()
  }
}

/// Why a handshake ends without a connection; one line in the log.
public enum HandshakeFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// Anything but the one message that is due; before completion that is also every other type.
  case unexpected(MessageType)
  case wrongChain(ChainID)
  /// The peer sent this node's own cookie back as its own.
  case reflected
  /// The ack answers another challenge than this connection's.
  case wrongCookie
  case zeroNode
  case connectedToSelf
  case badSignature

  public var description: String {
    switch self {
    case .unexpected(let type): "a \(type) message came where the handshake has none"
    case .wrongChain(let chain): "the peer is on another chain, \(chain)"
    case .reflected: "the peer sent this node's own challenge back"
    case .wrongCookie: "the peer answered a challenge that was not put to it"
    case .zeroNode: "the peer has no node id"
    case .connectedToSelf: "this is the node's own address"
    case .badSignature: "the peer does not hold the key of its node id"
    }
  }
}

extension Handshake {
  /// Which of two connections between the same two nodes stays; both ends decide alike.
  ///
  /// Two that were dialled from the same end: the newer, since a node dials nobody it is connected
  /// to, so its older one is dead. Otherwise both dialled at once: the one dialled by the node with
  /// the smaller id.
  ///
  /// - Returns: whether `newer` replaces `older`.
  public static func replaces(
    newer: Role,
    older: Role,
    own: PublicKey,
    peer: PublicKey
  ) -> Bool {
    guard newer != older else { return true }
    return (newer == .initiator) == (own < peer)
  }
}
