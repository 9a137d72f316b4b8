public import EdDSA
public import Kernel

/// A state block: one step of one account's chain, with the state after it.
///
/// Layout, 224 bytes, integers little-endian (`Block+Wire.swift`):
///
///       0  32  account             112  32  link
///      32  32  previous (0 = open) 144   8  height (open = 1)
///      64  32  representative      152   8  work
///      96  16  balance after       160  64  signature over the hash
///
/// Work lies outside the hash: the same hash with other work is the same block.
public struct Block: Hashable, Sendable {
  public let account: Account
  public let previous: BlockHash
  public let representative: Account
  public let balance: Amount
  /// The destination of a send, the hash of the send for open and receive, zero for a change.
  public let link: Bytes32
  public let height: Height
  public var work: UInt64
  public var signature: Signature

  /// Computed once, over the chain id given to the initialiser.
  public let hash: BlockHash

  /// Bytes of an encoded block.
  public static let size = 224

  public init(
    account: Account,
    previous: BlockHash,
    representative: Account,
    balance: Amount,
    link: Bytes32,
    height: Height,
    work: UInt64 = 0,
    signature: Signature = .zero,
    on chain: ChainID
  ) {
    self.account = account
    self.previous = previous
    self.representative = representative
    self.balance = balance
    self.link = link
    self.height = height
    self.work = work
    self.signature = signature
    var hash = BLAKE2b(personal: "smn.block.v1", capacity: 184)
    hash.update(chain.bytes)
    hash.update(account.bytes)
    hash.update(previous.bytes)
    hash.update(representative.bytes)
    hash.update(integer: UInt64(truncatingIfNeeded: balance.raw))
    hash.update(integer: UInt64(truncatingIfNeeded: balance.raw >> 64))
    hash.update(link)
    hash.update(integer: height.number)
    self.hash = BlockHash(hash.finalize())
  }

  public var slot: Slot { Slot(account: account, height: height) }

  /// What the work is computed over, known before the block is: its previous block, or the account.
  public var root: Bytes32 { previous.isZero ? account.bytes : previous.bytes }
}

/// What a block does, read from its balance against the previous one.
public enum BlockKind: UInt8, Sendable, CaseIterable {
  /// Height 1: receives the account's first money.
  case open = 0
  /// Balance less; `link` is the destination.
  case send = 1
  /// Balance more; `link` is the hash of the send.
  case receive = 2
  /// Balance equal, `link` zero, another representative.
  case change = 3
  /// Signed by the network's epoch key. No network allows one yet.
  case epoch = 4
}
