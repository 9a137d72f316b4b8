public import SmallNano

/// Why a wallet did not do what it was asked; the text says what to do instead.
public enum WalletFailure: Error, Hashable, CustomStringConvertible {
  // The file.
  case noWallet
  case walletExists
  case notAWallet
  case damaged
  case newerVersion(UInt16)
  case otherNetwork
  case wrongPassword
  case emptyPassword
  case noMemory
  case fileFailed(String)

  // Its use.
  case locked
  case busy
  case tooManyAccounts
  case unknownAccount(Account)
  case votingDisabled

  // Money.
  case notOpened(Account)
  case belowMinimum(amount: Amount, minimum: Amount)
  case insufficientBalance(amount: Amount, balance: Amount, minimum: Amount)
  case nothingReceivable(Account)
  case notReceivable(BlockHash)
  case sourceUnconfirmed(BlockHash)
  case sameRepresentative
  case badID
  case idReused(String)
  /// The block of this id stands against another one for its place; neither is confirmed yet.
  case undecided(BlockHash)
  case rejected(BlockRejection)
  case nodeStopping(String)

  /// Stable; part of the RPC.
  public var code: String {
    switch self {
    case .noWallet: "no_wallet"
    case .walletExists: "wallet_exists"
    case .notAWallet: "not_a_wallet"
    case .damaged: "wallet_damaged"
    case .newerVersion: "wallet_newer"
    case .otherNetwork: "wallet_other_network"
    case .wrongPassword: "wrong_password"
    case .emptyPassword: "empty_password"
    case .noMemory: "no_memory"
    case .fileFailed: "wallet_file_failed"
    case .locked: "wallet_locked"
    case .busy: "wallet_busy"
    case .tooManyAccounts: "too_many_accounts"
    case .unknownAccount: "account_not_in_wallet"
    case .votingDisabled: "voting_disabled"
    case .notOpened: "account_not_opened"
    case .belowMinimum: "below_minimum"
    case .insufficientBalance: "insufficient_balance"
    case .nothingReceivable: "nothing_receivable"
    case .notReceivable: "not_receivable"
    case .sourceUnconfirmed: "source_unconfirmed"
    case .sameRepresentative: "same_representative"
    case .badID: "bad_id"
    case .idReused: "id_reused"
    case .undecided: "undecided"
    case .rejected(let rejection): rejection.name
    case .nodeStopping: "node_stopping"
    }
  }

  public var description: String {
    switch self {
    case .noWallet: "there is no wallet yet: create or restore one"
    case .walletExists: "this node has a wallet already; move its file away to make another"
    case .notAWallet: "the file is no wallet"
    case .damaged: "the wallet's file is damaged: restore from the 24 words or a copy of the file"
    case .newerVersion(let version):
      "the wallet's file is of version \(version), from a later program: use that one"
    case .otherNetwork: "the wallet belongs to another network"
    case .wrongPassword: "the password is wrong"
    case .emptyPassword: "the password is empty"
    case .noMemory: "there is not enough memory to check the password"
    case .fileFailed(let reason): reason
    case .locked: "the wallet is locked: unlock it first"
    case .busy: "too many calls wait for this account: try again"
    case .tooManyAccounts: "a wallet has at most \(WalletFile.accountsMax) accounts"
    case .unknownAccount(let account): "\(account) is not an account of this wallet"
    case .votingDisabled: "this node does not vote: set enable_voting = true and restart it"
    case .notOpened(let account): "\(account) has received nothing yet"
    case .belowMinimum(let amount, let minimum):
      "a send moves at least \(minimum.smn) smn, this is \(amount.smn)"
    case .insufficientBalance(let amount, let balance, let minimum):
      "the account holds \(balance.smn) smn and keeps at least \(minimum.smn), "
        + "so \(amount.smn) cannot be sent; at most \((balance.subtracting(minimum) ?? .zero).smn)"
    case .nothingReceivable(let account): "nothing waits for \(account)"
    case .notReceivable(let hash): "\(hash) is no send that waits for this account"
    case .sourceUnconfirmed(let hash): "the send \(hash) is not confirmed yet: try again"
    case .sameRepresentative: "the account names this representative already"
    case .badID: "an id has 1 to 64 characters"
    case .idReused(let id): "the id \(id.debugDescription) stands for another send: use a new one"
    case .undecided(let hash):
      "another block stands in the place of \(hash), and neither is confirmed: try again"
    case .rejected(let rejection): rejection.explanation
    case .nodeStopping(let reason): reason
    }
  }
}

extension BlockRejection {
  /// Stable; part of the RPC.
  public var name: String {
    switch self {
    case .malformed: "malformed"
    case .burnAccount: "burn_account"
    case .insufficientWork: "insufficient_work"
    case .alreadyKnown: "already_known"
    case .badSignature: "bad_signature"
    case .settled: "settled"
    case .gapPrevious: "gap_previous"
    case .gapSource: "gap_source"
    case .fork: "fork"
    case .heightNotNext: "height_not_next"
    case .balanceRule: "balance_rule"
    case .belowMinimum: "below_minimum"
    case .receivableMissing: "receivable_missing"
    case .receivableAmount: "receivable_amount"
    case .insufficientWorkForKind: "insufficient_work_for_kind"
    case .epochNotAllowed: "epoch_not_allowed"
    case .backlogFull: "backlog_full"
    case .notReady: "not_ready"
    }
  }

  /// One sentence for whoever made the block.
  public var explanation: String {
    switch self {
    case .malformed: "the block's fields contradict each other"
    case .burnAccount: "the burn account has no blocks"
    case .insufficientWork: "the block's work is below the threshold of any kind"
    case .alreadyKnown: "the ledger holds the block already"
    case .badSignature: "the signature is not the account's over this block's hash"
    case .settled: "another block is confirmed at this height"
    case .gapPrevious: "the ledger does not hold the previous block"
    case .gapSource: "the ledger does not hold the send that this block receives"
    case .fork: "another block of the account holds this height"
    case .heightNotNext: "the height is not the previous block's plus one"
    case .balanceRule: "the balance, link and representative do not fit together"
    case .belowMinimum: "the balance left or the amount sent is below the minimum"
    case .receivableMissing: "no such send waits for this account, or it was received already"
    case .receivableAmount: "the balance does not grow by what was sent"
    case .insufficientWorkForKind: "the block's work is below the threshold of its kind"
    case .epochNotAllowed: "this network allows no epoch blocks"
    case .backlogFull: "too many blocks wait to be confirmed: try again later"
    case .notReady: "the node's ledger is not complete yet, or its disk failed"
    }
  }
}
