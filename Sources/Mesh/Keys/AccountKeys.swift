public import EdDSA
public import Kernel

/// The accounts that grow from one master seed (SPEC-006, 6.4).
public struct MasterSeed: Sendable {
  private let secret: SecretBytes

  public static let size = 32

  /// Nil unless the seed has 32 bytes.
  public init?(_ secret: SecretBytes) {
    guard secret.count == Self.size else { return nil }
    self.secret = secret
  }

  /// spend seed = XOF("spend-seed", XOF("account-seed", master ‖ index)).
  public func account(_ index: UInt32) -> AccountKeys {
    let account = Tag.accountSeed.derive(secret, index.littleEndianBytes)
    guard let keys = AccountKeys(spendSeed: Tag.spendSeed.derive(account)) else {
      preconditionFailure("a derived seed has 32 bytes")
    }
    return keys
  }
}

/// All keys of one account: who holds them can spend.
public struct AccountKeys: Sendable {
  public let signing: SecretKey
  public let view: FullViewKey
  /// Makes the ephemeral keys of outputs, so that the owner can make them again.
  let ephemeral: SecretBytes

  /// Nil unless the seed has 32 bytes.
  public init?(spendSeed seed: SecretBytes) {
    guard let signing = SecretKey(seed: seed) else { return nil }
    self.signing = signing
    view = FullViewKey(
      incoming: IncomingViewKey(secret: Tag.viewSeed.derive(seed)),
      owner: Tag.ownerSeed.derive(seed)
    )
    ephemeral = Tag.ephemeralSeed.derive(seed)
  }

  public var account: AccountID { AccountID(signing.publicKey) }

  public func address(on genesis: Genesis) -> Address {
    Address(account: account, viewKey: view.incoming.publicKey, genesis: genesis)
  }
}

/// What a wallet holds of its account's keys: all, or what shows more or less of it.
public enum WalletKeys: Sendable {
  case spending(AccountKeys)
  /// Shows the balance and all payments; spends nothing.
  case full(AccountID, FullViewKey)
  /// Shows what the account receives; spends nothing.
  case income(AccountID, IncomingViewKey)

  public var account: AccountID {
    switch self {
    case .spending(let keys): keys.account
    case .full(let account, _), .income(let account, _): account
    }
  }

  public var incoming: IncomingViewKey {
    switch self {
    case .spending(let keys): keys.view.incoming
    case .full(_, let view): view.incoming
    case .income(_, let view): view
    }
  }

  /// Nil for the income alone.
  public var full: FullViewKey? {
    switch self {
    case .spending(let keys): keys.view
    case .full(_, let view): view
    case .income: nil
    }
  }

  /// Nil for who may only look.
  public var spending: AccountKeys? {
    if case .spending(let keys) = self { keys } else { nil }
  }
}

/// Shows what an account receives; spends nothing.
public struct IncomingViewKey: Sendable {
  /// X25519.
  let secret: SecretBytes
  /// K_view: what senders hide amounts for.
  public let publicKey: Bytes32

  init(secret: SecretBytes) {
    self.secret = secret
    publicKey = X25519.publicKey(of: secret)
  }

  /// From an exported key; nil unless it has 32 bytes.
  public init?(exported secret: SecretBytes) {
    guard secret.count == 32 else { return nil }
    self.init(secret: secret)
  }

  /// The secret itself, for whoever shall see the income.
  public var exported: SecretBytes { secret }
}

/// Shows also the balance and what was sent; spends nothing.
public struct FullViewKey: Sendable {
  public let incoming: IncomingViewKey
  /// Opens owner memos.
  let owner: SecretBytes

  init(incoming: IncomingViewKey, owner: SecretBytes) {
    self.incoming = incoming
    self.owner = owner
  }

  /// From an exported pair; nil unless both have 32 bytes.
  public init?(exported incoming: SecretBytes, owner: SecretBytes) {
    guard let incoming = IncomingViewKey(exported: incoming), owner.count == 32 else { return nil }
    self.init(incoming: incoming, owner: owner)
  }

  public var exportedOwner: SecretBytes { owner }
}
