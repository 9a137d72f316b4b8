/// What the ledger holds that decides about one block, gathered in one snapshot.
///
/// The rules read nothing else, so a test states a situation by writing these down.
public struct BlockFacts: Hashable, Sendable {
  /// The block that a block names as `previous`, as its successor needs it.
  public struct Predecessor: Hashable, Sendable {
    public var slot: Slot
    public var balance: Amount
    public var representative: Account

    public init(slot: Slot, balance: Amount, representative: Account) {
      self.slot = slot
      self.balance = balance
      self.representative = representative
    }
  }

  /// The block itself is in the chain.
  public var isKnown: Bool
  /// Of the block's account; 0 if nothing of it is confirmed.
  public var confirmedHeight: Height
  /// Nil if `previous` names no block of the ledger.
  public var previous: Predecessor?
  /// Another block holds the block's slot.
  public var isSlotTaken: Bool
  /// `link` names a block of the ledger.
  public var isSourceKnown: Bool
  /// The send named by `link`, if it goes to this account and the block may receive it.
  public var receivable: Receivable?

  /// Without arguments: what a ledger that never saw the account knows.
  public init(
    isKnown: Bool = false,
    confirmedHeight: Height = Height(0),
    previous: Predecessor? = nil,
    isSlotTaken: Bool = false,
    isSourceKnown: Bool = false,
    receivable: Receivable? = nil
  ) {
    self.isKnown = isKnown
    self.confirmedHeight = confirmedHeight
    self.previous = previous
    self.isSlotTaken = isSlotTaken
    self.isSourceKnown = isSourceKnown
    self.receivable = receivable
  }
}
