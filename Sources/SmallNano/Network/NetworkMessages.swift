public import EdDSA
public import Kernel

// Messages between connections: they serve the network itself and never reach the machine.

/// The first message of each side: a challenge, and on which chain.
public struct HandshakeHello: Hashable, Sendable {
  /// Random; the peer signs it.
  public let cookie: Bytes32
  public let chain: ChainID

  public init(cookie: Bytes32, chain: ChainID) {
    self.cookie = cookie
    self.chain = chain
  }
}

/// The answer to a challenge: proves the node's key.
///
/// Signed: `Handshake.digest`.
public struct HandshakeAck: Hashable, Sendable {
  /// The cookie it answers, the receiver's own.
  public let cookie: Bytes32
  public let node: PublicKey
  public let signature: Signature

  public init(cookie: Bytes32, node: PublicKey, signature: Signature) {
    self.cookie = cookie
    self.node = node
    self.signature = signature
  }
}

/// A sign of life, with peers that the sender had good connections with.
///
/// An address of `::` stands for the sender itself: "reach me at the address you see me from, at
/// this port". How else would others learn the port of a node that dialled them?
public struct Keepalive: Hashable, Sendable {
  public let addresses: [SocketAddress]

  /// Addresses in one keepalive.
  ///
  /// Enough to spread news, too few to fill a table.
  public static let addressesMax = 8

  public init(_ addresses: [SocketAddress]) {
    self.addresses = addresses
  }
}

/// What a node says of itself to those who watch the network; nothing relies on it.
public struct Telemetry: Hashable, Sendable {
  public let blocks: UInt64
  public let confirmedBlocks: UInt64
  public let accounts: UInt64
  public let peers: UInt32
  /// `max_blocks_per_account`; 0 keeps all.
  public let pruningDepth: UInt64
  public let uptimeSeconds: UInt64
  /// Printable ASCII, 1...64 characters: it goes into logs.
  public let version: String

  public static let versionMax = 64

  /// Nil if the version text is not printable ASCII of 1...64 characters.
  public init?(
    blocks: UInt64,
    confirmedBlocks: UInt64,
    accounts: UInt64,
    peers: UInt32,
    pruningDepth: UInt64,
    uptimeSeconds: UInt64,
    version: String
  ) {
    guard Self.isVersion(version.utf8) else { return nil }
    self.blocks = blocks
    self.confirmedBlocks = confirmedBlocks
    self.accounts = accounts
    self.peers = peers
    self.pruningDepth = pruningDepth
    self.uptimeSeconds = uptimeSeconds
    self.version = version
  }

  private static func isVersion(_ text: some Collection<UInt8>) -> Bool {
    (1...versionMax).contains(text.count) && text.allSatisfy { (0x20...0x7e).contains($0) }
  }
}

/// The limit of a block request.
public enum BlockRequest {
  /// Hashes in one request.
  ///
  /// It may draw an answer of 64 × 232 bytes = 15 KB for 2 KB.
  public static let hashesMax = 64
}

/// A pull response whose blocks are not checked yet.
public struct UncheckedPullResponse: Hashable, Sendable {
  public let account: Account
  public let firstHeld: Height
  public let head: Height
  public let blocks: [Block]

  public init(account: Account, firstHeld: Height, head: Height, blocks: [Block]) {
    self.account = account
    self.firstHeld = firstHeld
    self.head = head
    self.blocks = blocks
  }
}
