public import Kernel

/// An account after its newest settled transition: a function of its own transitions only.
///
///      0   2  version = 1      40   4  asset
///      2   1  suite            44   8  next sequence
///      3   1  flags = 0        48  32  head
///      …                        4  32  account (before the asset)
///     80  32  balance
///
/// 112 bytes.
public struct AccountState: Hashable, Sendable {
  public let account: AccountID
  public let suite: Suite
  public let asset: AssetID
  public let nextSequence: SequenceNumber
  /// The newest transition, or the account's origin.
  public let head: TransitionHash
  public let balance: Commitment

  public static let size = 112

  public init(
    account: AccountID,
    suite: Suite = .ed25519,
    asset: AssetID = Genesis.assetID,
    nextSequence: SequenceNumber,
    head: TransitionHash,
    balance: Commitment
  ) {
    self.account = account
    self.suite = suite
    self.asset = asset
    self.nextSequence = nextSequence
    self.head = head
    self.balance = balance
  }

  /// What every account is before its first transition, if the genesis gives it nothing.
  public static func origin(of account: AccountID, on network: NetworkID) -> AccountState {
    AccountState(
      account: account,
      nextSequence: .first,
      head: account.origin(on: network),
      balance: .identity
    )
  }

  /// What a settled transition leaves behind.
  func after(_ transition: SignedBody) -> AccountState {
    AccountState(
      account: account,
      suite: suite,
      asset: asset,
      nextSequence: transition.body.sequence.next,
      head: transition.hash,
      balance: transition.body.newBalance
    )
  }

  /// H256("account-state", bytes).
  public var hash: Bytes32 { Tag.accountState.hash(encoded) }
}

extension AccountState: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    try reader.version()
    suite = try reader.suite()
    guard try reader.uint8() == 0 else { throw reader.failure(.notCanonical(WireField.reserved)) }
    account = AccountID(try reader.bytes32())
    asset = AssetID(try reader.uint32())
    nextSequence = try reader.sequenceNumber()
    head = TransitionHash(try reader.bytes32())
    balance = try reader.commitment()
  }

  public func encode(into writer: inout ByteWriter) {
    writer.version()
    writer.integer(suite.rawValue)
    writer.integer(UInt8(0))
    writer.identifier(account)
    writer.integer(asset.number)
    writer.integer(nextSequence.number)
    writer.identifier(head)
    writer.bytes32(balance.bytes)
  }
}
