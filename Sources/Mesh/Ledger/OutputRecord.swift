/// An output that a certificate proves, with what has become of it.
public struct OutputRecord: Hashable, Sendable {
  /// In the order in which this validator heard of outputs, from 1.
  public let index: UInt64
  public let reference: OutputReference
  /// Of the transition that made it.
  public let source: Slot
  public let asset: AssetID
  public let output: RecipientOutput
  /// Whether the transition that made it has been applied here: only then has its sender paid.
  public var isSourceApplied: Bool
  /// The transition of the recipient that took it.
  public var claimedBy: TransitionHash?

  public init(
    index: UInt64,
    reference: OutputReference,
    source: Slot,
    asset: AssetID,
    output: RecipientOutput,
    isSourceApplied: Bool,
    claimedBy: TransitionHash? = nil
  ) {
    self.index = index
    self.reference = reference
    self.source = source
    self.asset = asset
    self.output = output
    self.isSourceApplied = isSourceApplied
    self.claimedBy = claimedBy
  }
}
