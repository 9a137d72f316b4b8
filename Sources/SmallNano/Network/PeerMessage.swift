public import EdDSA
public import Kernel

/// What peers say about the ledger, checked: signatures and work hold wherever a value can carry them.
///
/// Handshakes, keepalives and telemetry are the network shell's and never reach the machine.
public enum PeerMessage: Sendable {
  case publish(Verified<Block>)
  case vote(Verified<Vote>)
  case confirmRequest([ConfirmTarget])
  case blockRequest([BlockHash])
  case hello(Verified<RepresentativeHello>)
  case pullRequest(PullRequest)
  case pullResponse(PullResponse)
  case frontierRequest(FrontierRequest)
  case frontierResponse([Frontier])
  case receivablesRequest(ReceivablesRequest)
  case receivablesResponse([ReceivableEntry])
}

/// A question: what is known of this slot.
///
/// Answered with votes, certificates and every candidate.
public struct ConfirmTarget: Hashable, Sendable {
  public let slot: Slot
  /// The block asked about; zero for any.
  public let hash: BlockHash

  /// Targets in one request.
  ///
  /// 64 × 72 bytes = 4.6 KB.
  public static let countMax = 64

  public init(slot: Slot, hash: BlockHash) {
    self.slot = slot
    self.hash = hash
  }
}

/// "This node speaks for this representative, which is online now." Sent each 60 s.
///
/// Signed: BLAKE2b-256, personal `smn.rep.v1`, of chain id ‖ representative ‖ node ‖ timestamp.
public struct RepresentativeHello: Hashable, Sendable {
  public let representative: Account
  public let node: PublicKey
  /// Unix time in milliseconds.
  public let timestamp: UInt64
  public let signature: Signature

  public init(representative: Account, node: PublicKey, timestamp: UInt64, signature: Signature) {
    self.representative = representative
    self.node = node
    self.timestamp = timestamp
    self.signature = signature
  }

  /// What the signature signs.
  public static func digest(
    representative: Account,
    node: PublicKey,
    timestamp: UInt64,
    on chain: ChainID
  ) -> Bytes32 {
    var hash = BLAKE2b(personal: "smn.rep.v1", capacity: 104)
    hash.update(chain.bytes)
    hash.update(representative.bytes)
    hash.update(node.bytes)
    hash.update(integer: timestamp)
    return hash.finalize()
  }
}

/// A question: this account's blocks from this height up.
public struct PullRequest: Hashable, Sendable {
  public let account: Account
  public let start: Height
  public let count: UInt8

  public init(account: Account, start: Height, count: UInt8) {
    self.account = account
    self.start = start
    self.count = count
  }
}

public struct PullResponse: Hashable, Sendable {
  public let account: Account
  /// The lowest height the server holds: above 1 on a pruned node.
  public let firstHeld: Height
  /// The server's head; 0 if it does not know the account.
  public let head: Height
  /// Ascending heights of one account.
  public let blocks: [Verified<Block>]

  /// Blocks in one response.
  ///
  /// 255 × 224 bytes fit a frame.
  public static let blocksMax = 255

  public init(account: Account, firstHeld: Height, head: Height, blocks: [Verified<Block>]) {
    self.account = account
    self.firstHeld = firstHeld
    self.head = head
    self.blocks = blocks
  }
}

/// A question: accounts from this one up, and how far each is confirmed.
public struct FrontierRequest: Hashable, Sendable {
  public let start: Account
  public let count: UInt16

  public init(start: Account, count: UInt16) {
    self.start = start
    self.count = count
  }
}

/// An account's confirmed height and the block there.
public struct Frontier: Hashable, Sendable {
  public let account: Account
  public let height: Height
  public let hash: BlockHash

  /// Frontiers in one response.
  ///
  /// 900 × 72 bytes fit a frame of 65,535.
  public static let countMax = 900

  public init(account: Account, height: Height, hash: BlockHash) {
    self.account = account
    self.height = height
    self.hash = hash
  }
}

public struct ReceivablesRequest: Hashable, Sendable {
  public let start: ReceivableKey
  public let count: UInt16

  public init(start: ReceivableKey, count: UInt16) {
    self.start = start
    self.count = count
  }
}

public struct ReceivableEntry: Hashable, Sendable {
  public let key: ReceivableKey
  public let source: Account
  public let amount: Amount

  /// Entries in one response.
  ///
  /// 580 × 112 bytes fit a frame of 65,535.
  public static let countMax = 580

  public init(key: ReceivableKey, source: Account, amount: Amount) {
    self.key = key
    self.source = source
    self.amount = amount
  }
}
