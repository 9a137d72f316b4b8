public import Kernel

/// account 32 ‖ asset u32.
public struct AccountQuery: Hashable, Sendable, WireCodable {
  public let account: AccountID
  public let asset: AssetID

  public init(account: AccountID, asset: AssetID = Genesis.assetID) {
    self.account = account
    self.asset = asset
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    account = AccountID(try reader.bytes32())
    asset = AssetID(try reader.uint32())
  }

  public func encode(into writer: inout ByteWriter) {
    writer.identifier(account)
    writer.integer(asset.number)
  }
}

/// What a validator knows of an account.
///
///     AccountState ‖ has u8 [‖ u32 length ‖ newest certificate]
///     ‖ u8 count × (ballot u32 ‖ u32 length ‖ transition)
public struct AccountInfo: Hashable, Sendable, WireCodable {
  /// A transition the validator has voted for in the account's next slot.
  public struct Pending: Hashable, Sendable {
    public let ballot: Ballot
    public let transition: Transition

    public init(ballot: Ballot, transition: Transition) {
      self.ballot = ballot
      self.transition = transition
    }
  }

  public let state: AccountState
  /// Of the head; nil before the first transition.
  public let certificate: SettlementCertificate?
  public let pending: [Pending]

  public init(state: AccountState, certificate: SettlementCertificate?, pending: [Pending]) {
    self.state = state
    self.certificate = certificate
    self.pending = pending
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    state = try AccountState(from: &reader)
    certificate =
      try reader.flag("certificate flag")
      ? try SettlementCertificate(
        encoded: try reader.lengthPrefixed(max: Limits.certificateBytes, "certificate")
      ) : nil
    let count = Int(try reader.uint8())
    guard count <= Limits.reports else { throw reader.failure(.tooLong("pending")) }
    var pending: [Pending] = []
    for _ in 0..<count {
      let ballot = Ballot(try reader.uint32())
      let bytes = try reader.lengthPrefixed(max: Limits.transitionBytes, WireField.transition)
      pending.append(Pending(ballot: ballot, transition: try Transition(encoded: bytes)))
    }
    self.pending = pending
  }

  public func encode(into writer: inout ByteWriter) {
    state.encode(into: &writer)
    writer.flag(certificate != nil)
    if let certificate { writer.lengthPrefixed(certificate.encoded) }
    writer.integer(UInt8(pending.count))
    for each in pending {
      writer.integer(each.ballot.number)
      writer.lengthPrefixed(each.transition.encoded)
    }
  }
}

/// mode u8 ‖ 0: transition hash 32; 1: account 32 ‖ sequence u64.
public enum CertificateQuery: Hashable, Sendable, WireCodable {
  case hash(TransitionHash)
  case slot(Slot)

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    switch try reader.uint8() {
    case 0: self = .hash(TransitionHash(try reader.bytes32()))
    case 1:
      let account = AccountID(try reader.bytes32())
      self = .slot(Slot(account: account, sequence: try reader.sequenceNumber()))
    default: throw reader.failure(.unknown("mode"))
    }
  }

  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .hash(let hash):
      writer.integer(UInt8(0))
      writer.identifier(hash)
    case .slot(let slot):
      writer.integer(UInt8(1))
      writer.identifier(slot.account)
      writer.integer(slot.sequence.number)
    }
  }
}

/// account 32 ‖ after u64 ‖ max u16 ‖ only unclaimed u8.
public struct OutputsQuery: Hashable, Sendable, WireCodable {
  public let account: AccountID
  /// The last index that is known; they start at 1.
  public let after: UInt64
  public let max: UInt16
  public let onlyUnclaimed: Bool

  public init(account: AccountID, after: UInt64, max: UInt16, onlyUnclaimed: Bool) {
    self.account = account
    self.after = after
    self.max = max
    self.onlyUnclaimed = onlyUnclaimed
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    account = AccountID(try reader.bytes32())
    after = try reader.uint64()
    max = try reader.uint16()
    onlyUnclaimed = try reader.flag("only unclaimed")
  }

  public func encode(into writer: inout ByteWriter) {
    writer.identifier(account)
    writer.integer(after)
    writer.integer(max)
    writer.flag(onlyUnclaimed)
  }
}

/// A page of outputs for one recipient.
///
///     u16 count × (index u64 ‖ OutputReference ‖ sender 32 ‖ sequence u64 ‖ asset u32 ‖ claimed u8
///     ‖ RecipientOutput) ‖ more u8
public struct OutputsPage: Hashable, Sendable, WireCodable {
  public struct Row: Hashable, Sendable {
    /// In the order in which this validator heard of them, from 1.
    public let index: UInt64
    public let reference: OutputReference
    /// Of the transition that made it.
    public let source: Slot
    public let asset: AssetID
    public let isClaimed: Bool
    public let output: RecipientOutput

    public init(
      index: UInt64,
      reference: OutputReference,
      source: Slot,
      asset: AssetID,
      isClaimed: Bool,
      output: RecipientOutput
    ) {
      self.index = index
      self.reference = reference
      self.source = source
      self.asset = asset
      self.isClaimed = isClaimed
      self.output = output
    }
  }

  public let rows: [Row]
  public let hasMore: Bool

  public init(rows: [Row], hasMore: Bool) {
    self.rows = rows
    self.hasMore = hasMore
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    let count = Int(try reader.uint16())
    guard count <= Limits.outputsPage else { throw reader.failure(.tooLong("outputs")) }
    var rows: [Row] = []
    for _ in 0..<count {
      let index = try reader.uint64()
      let reference = try OutputReference(from: &reader)
      let sender = AccountID(try reader.bytes32())
      rows.append(
        Row(
          index: index,
          reference: reference,
          source: Slot(account: sender, sequence: try reader.sequenceNumber()),
          asset: AssetID(try reader.uint32()),
          isClaimed: try reader.flag("claimed"),
          output: try RecipientOutput(from: &reader)
        )
      )
    }
    self.rows = rows
    hasMore = try reader.flag("more")
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(UInt16(rows.count))
    for row in rows {
      writer.integer(row.index)
      row.reference.encode(into: &writer)
      writer.identifier(row.source.account)
      writer.integer(row.source.sequence.number)
      writer.integer(row.asset.number)
      writer.flag(row.isClaimed)
      row.output.encode(into: &writer)
    }
    writer.flag(hasMore)
  }
}

/// epoch u64 ‖ log head u64 ‖ u32 length ‖ Genesis bytes.
public struct NetworkInfo: Hashable, Sendable, WireCodable {
  public let epoch: Epoch
  public let logHead: UInt64
  /// For `Genesis.init(encoded:)`, whose rules are its own.
  public let genesis: [UInt8]

  /// What fits a frame with its type and the fixed part.
  public static let genesisMax = Limits.frameBytes - 21

  public init(epoch: Epoch, logHead: UInt64, genesis: [UInt8]) {
    self.epoch = epoch
    self.logHead = logHead
    self.genesis = genesis
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    epoch = Epoch(try reader.uint64())
    logHead = try reader.uint64()
    genesis = try reader.lengthPrefixed(max: Self.genesisMax, "genesis")
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(epoch.number)
    writer.integer(logHead)
    writer.lengthPrefixed(genesis)
  }
}

/// u8 count × account 32; answered by a stream of events.
public struct Subscription: Hashable, Sendable, WireCodable {
  public let accounts: [AccountID]

  public init(accounts: [AccountID]) { self.accounts = accounts }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    let count = Int(try reader.uint8())
    guard count > 0 else { throw reader.failure(.notCanonical("count")) }
    var accounts: [AccountID] = []
    for _ in 0..<count { accounts.append(AccountID(try reader.bytes32())) }
    self.accounts = accounts
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(UInt8(accounts.count))
    for account in accounts { writer.identifier(account) }
  }
}

/// Something happened to an account.
///
///     kind u8 ‖ log index u64 ‖ transition hash 32 ‖ output index u16
public struct AccountEvent: Hashable, Sendable, WireCodable {
  public enum Kind: UInt8, Sendable {
    /// There is something to claim.
    case output = 0
    /// A transition of its own was settled.
    case settled = 1
  }

  public let kind: Kind
  /// 0 for an output whose source waits.
  public let logIndex: UInt64
  public let transition: TransitionHash
  /// 0 for a settlement.
  public let output: UInt16

  public init(kind: Kind, logIndex: UInt64, transition: TransitionHash, output: UInt16) {
    self.kind = kind
    self.logIndex = logIndex
    self.transition = transition
    self.output = output
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    guard let kind = Kind(rawValue: try reader.uint8()) else {
      throw reader.failure(.unknown("event"))
    }
    self.kind = kind
    logIndex = try reader.uint64()
    transition = TransitionHash(try reader.bytes32())
    output = try reader.uint16()
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(kind.rawValue)
    writer.integer(logIndex)
    writer.identifier(transition)
    writer.integer(output)
  }
}
