import TinyChain

/// What one message may hold; what does not fit is refused before anything is copied.
public enum PeerLimits {
  /// The version that `Hello` names.
  public static let version: UInt32 = 1
  /// Bytes of a body.
  ///
  /// The largest block without its header, with the two prefixes, is just below it.
  public static let bodyBytesMax = Block.bytesMax
  /// Ids of a locator: one for each doubling of the distance, so 64 reach behind any height.
  public static let locatorMax = 64
  /// Headers of an answer: 368 KB, half a day of blocks at 15 s.
  public static let headersMax = 2_000
  /// Bodies asked for at once; an answer ends early when it is full.
  public static let bodiesMax = 16
  /// Transactions that fit into a block: so many short ids, 182 KB.
  public static let blockTransactionsMax = Block.bytesMax / (Transaction.sizeMin + 4)
  /// Transactions named in one message: 36 KB of ids.
  public static let offersMax = 1_024
  /// Bytes of transactions of a push or an answer; one transaction always fits.
  public static let transactionsBytesMax = 256 << 10
  /// Addresses of an answer.
  public static let addressesMax = 250
}
