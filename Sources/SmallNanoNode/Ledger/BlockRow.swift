import EdDSA
import Kernel
import SmallNano

/// A block as its row holds it: without what the row below it, or its key, already says.
///
/// Account and height are the row's key. Signatures and work cannot be derived, hashes can: a
/// block's `previous` is the hash of the block below, which follows from that block's content. So
/// only every eighth row, an *anchor*, holds `previous` and the balance; a reader starts at the
/// anchor and hashes upwards. That saves 28 bytes a block and costs at most seven hashes a read.
///
/// Layout:
///
///       0   1  kind (low 3 bits), 8 if an anchor
///       1   8  work
///       9  64  signature
///       …      amount moved (compact), representative's number (varint)
///       …      link: a send's destination's number (varint); 32 bytes of open, receive and epoch
///       …      anchors only: previous 32 (not at height 1), balance after (compact)
struct BlockRow {
  /// Rows from one anchor to the next.
  ///
  /// A larger number saves little: at 8 the anchors cost 5 bytes a block.
  static let anchorInterval: UInt64 = 8

  var kind: BlockKind
  var work: UInt64
  var signature: Signature
  var amount: Amount
  var representative: AccountNumber
  var link: Link
  var anchor: Anchor?

  enum Link {
    case account(AccountNumber)
    case hash(Bytes32)
    case none
  }

  /// What makes a row readable without the one below it.
  struct Anchor {
    var previous: BlockHash
    var balance: Amount
  }

  static func isAnchor(_ height: Height) -> Bool { height.number % anchorInterval == 1 }

  private static let anchorFlag: UInt8 = 8

  func encoded(at height: Height) -> [UInt8] {
    var writer = ByteWriter(capacity: 192)
    writer.integer(kind.rawValue | (anchor == nil ? 0 : Self.anchorFlag))
    writer.integer(work)
    writer.bytes64(signature.bytes)
    writer.compact(amount)
    writer.varint(UInt64(representative.value))
    switch link {
    case .account(let number): writer.varint(UInt64(number.value))
    case .hash(let hash): writer.bytes32(hash)
    case .none: break
    }
    if let anchor {
      if height > .open { writer.bytes32(anchor.previous.bytes) }
      writer.compact(anchor.balance)
    }
    return writer.bytes
  }

  /// Whether the row is an anchor, without decoding it.
  static func isAnchor(_ body: [UInt8]) -> Bool { body.first.map { $0 & anchorFlag != 0 } ?? false }

  init(
    kind: BlockKind,
    work: UInt64,
    signature: Signature,
    amount: Amount,
    representative: AccountNumber,
    link: Link,
    anchor: Anchor?
  ) {
    self.kind = kind
    self.work = work
    self.signature = signature
    self.amount = amount
    self.representative = representative
    self.link = link
    self.anchor = anchor
  }

  init(_ body: [UInt8], at height: Height) throws(DecodingFailure) {
    var reader = ByteReader(body)
    let head = try reader.uint8()
    guard let kind = BlockKind(rawValue: head & ~Self.anchorFlag) else {
      throw reader.failure(.unknown("block kind"))
    }
    self.kind = kind
    work = try reader.uint64()
    signature = Signature(try reader.bytes64())
    amount = try reader.compactAmount()
    representative = AccountNumber(Int64(try reader.varint()))
    switch kind {
    case .send: link = .account(AccountNumber(Int64(try reader.varint())))
    case .open, .receive, .epoch: link = .hash(try reader.bytes32())
    case .change: link = .none
    }
    if head & Self.anchorFlag != 0 {
      let previous = height > .open ? BlockHash(try reader.bytes32()) : .zero
      anchor = Anchor(previous: previous, balance: try reader.compactAmount())
    }
    try reader.finish()
  }

  /// The balance after this block, from the anchor or the balance below; nil if neither gives one.
  func balance(after below: Amount?) -> Amount? {
    if let anchor { return anchor.balance }
    return switch kind {
    case .open, .receive: below?.adding(amount)
    case .send: below?.subtracting(amount)
    case .change, .epoch: below
    }
  }
}

/// The number that stands for an account in the rows of one file.
struct AccountNumber: Hashable, Sendable {
  let value: Int64

  init(_ value: Int64) {
    self.value = value
  }
}
