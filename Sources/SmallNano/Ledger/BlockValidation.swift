import Kernel

// The rules a block must keep, in the order of their codes: first those that need nothing but the
// block, then those that need to know its ledger. A rule throws; nothing here changes anything.

extension BlockKind {
  /// Whether it takes a send's money, so that `link` is a block's hash.
  public var isReceiving: Bool { self == .open || self == .receive }
}

extension Block {
  /// The first stateless rule that the block breaks; nil if it may be looked at further.
  ///
  /// The signature is not checked here: whoever has many blocks checks theirs together.
  public func statelessRejection(parameters: NetworkParameters) -> BlockRejection? {
    guard isWellFormed(supply: parameters.supply) else { return .malformed }
    guard account != .burn else { return .burnAccount }
    guard workValue >= parameters.workThresholds.lowest else { return .insufficientWork }
    return nil
  }

  /// The ledger's rules.
  ///
  /// - Returns: the block with its kind and the amount it moves.
  /// - Throws: the first rule it breaks, in the order of the codes.
  public func validated(
    against facts: BlockFacts,
    parameters: NetworkParameters
  ) throws(BlockRejection) -> LedgerBlock {
    guard !facts.isKnown else { throw .alreadyKnown }
    guard height > facts.confirmedHeight else { throw .settled }
    guard previous.isZero || facts.previous != nil else { throw .gapPrevious }
    let (kind, amount) = effect(after: facts.previous, epochKey: parameters.epochKey.bytes)
    let needsSource = kind.isReceiving && !link.isZero
    guard facts.isSourceKnown || !needsSource else { throw .gapSource }
    guard !facts.isSlotTaken else { throw .fork }
    guard isNext(after: facts.previous) else { throw .heightNotNext }
    guard keepsBalanceRule(as: kind, after: facts.previous) else { throw .balanceRule }
    guard balance >= parameters.minimumBalance else { throw .belowMinimum }
    guard kind != .send || amount >= parameters.minimumBalance else { throw .belowMinimum }
    if kind.isReceiving {
      guard let receivable = facts.receivable else { throw .receivableMissing }
      guard receivable.amount == amount else { throw .receivableAmount }
    }
    guard workValue >= parameters.workThresholds.threshold(for: kind) else {
      throw .insufficientWorkForKind
    }
    guard kind != .epoch else { throw .epochNotAllowed }
    return LedgerBlock(block: self, kind: kind, amount: amount)
  }

  /// Whether some ledger could hold the block, as far as its fields alone tell.
  private func isWellFormed(supply: Amount) -> Bool {
    let isOpen = height == .open
    return height >= .open
      // Heights are stored as signed 64-bit integers; no chain gets there.
      && height.number <= UInt64(Int64.max)
      && isOpen == previous.isZero
      // Genesis alone opens without a source, and nobody sends genesis.
      && (!isOpen || !link.isZero)
      && balance <= supply
  }

  /// What the block does and how much it moves, read from its balance against the previous one.
  ///
  /// An epoch block changes neither balance nor representative and links to the epoch key.
  private func effect(
    after previous: BlockFacts.Predecessor?,
    epochKey: Bytes32
  ) -> (kind: BlockKind, amount: Amount) {
    guard let previous else { return (.open, balance) }
    if let more = balance.subtracting(previous.balance), more > .zero { return (.receive, more) }
    if let less = previous.balance.subtracting(balance), less > .zero { return (.send, less) }
    let isEpoch = representative == previous.representative && link == epochKey
    return (isEpoch ? .epoch : .change, .zero)
  }

  /// Whether the block stands directly on the one it names: of the same account, one lower.
  private func isNext(after previous: BlockFacts.Predecessor?) -> Bool {
    guard let previous else { return height == .open }
    return previous.slot.account == account && previous.slot.height.next == height
  }

  /// Whether the link fits what happens to the balance.
  private func keepsBalanceRule(
    as kind: BlockKind,
    after previous: BlockFacts.Predecessor?
  ) -> Bool {
    switch kind {
    case .open, .receive: !link.isZero
    case .send, .epoch: true  // Any key may be sent to, the burn account's zero included.
    case .change: link.isZero && representative != previous?.representative
    }
  }
}

extension WorkThresholds {
  /// What a block must show before its kind is known.
  public var lowest: UInt64 { min(send, receive) }
}
