public import BulletproofsPlus
import Curve25519
public import Kernel

/// What an owner's seed alone restores of a transition: the new balance's opening, the salt of the
/// outputs' keys, and what was paid to whom.
///
///     u64 value ‖ blinding 32 ‖ salt 32 ‖ outputs × (u64 amount ‖ view key 32)
///
/// Sealed under a key of the owner and all that stands before it in the body: equal prefixes have
/// equal memos, so no key seals two (SPEC-006, 6.6).
public struct OwnerMemo: Sendable {
  public struct Sent: Hashable, Sendable {
    public let amount: Amount
    public let viewKey: Bytes32

    public init(amount: Amount, viewKey: Bytes32) {
      self.amount = amount
      self.viewKey = viewKey
    }
  }

  public let balance: Opening
  /// Zero without outputs.
  public let salt: Bytes32
  public let sent: [Sent]

  public init(balance: Opening, salt: Bytes32, sent: [Sent]) {
    self.balance = balance
    self.salt = salt
    self.sent = sent
  }

  static func sealedSize(outputs: Int) -> Int { 72 + 40 * outputs + ChaCha20Poly1305.tagSize }

  fileprivate var plaintext: [UInt8] {
    var writer = ByteWriter(capacity: 72 + 40 * sent.count)
    writer.integer(balance.value)
    writer.bytes32(Bytes32(words: balance.blinding.encoding.words))
    writer.bytes32(salt)
    for each in sent {
      writer.integer(each.amount.units)
      writer.bytes32(each.viewKey)
    }
    return writer.bytes
  }

  fileprivate init(plaintext: [UInt8], outputs: Int) throws(DecodingFailure) {
    var reader = ByteReader(plaintext)
    let value = try reader.uint64()
    guard let blinding = Scalar(canonical: Encoding32(words: try reader.bytes32().words)) else {
      throw reader.failure(.notCanonical("blinding"))
    }
    balance = Opening(value: value, blinding: blinding)
    salt = try reader.bytes32()
    var sent: [Sent] = []
    for _ in 0..<outputs {
      sent.append(Sent(amount: Amount(try reader.uint64()), viewKey: try reader.bytes32()))
    }
    self.sent = sent
    try reader.finish()
  }
}

extension FullViewKey {
  /// XOF("owner-memo-key", owner key ‖ H256("owner-memo-ctx", all before the memo's length)).
  private func memoKey(for body: TransitionBody) -> SecretBytes {
    var writer = ByteWriter(capacity: 1024)
    body.encodePrefix(into: &writer)
    let context = Tag.ownerMemoContext.hash(writer.bytes)
    return Tag.ownerMemoKey.derive(owner, context.bytes)
  }

  /// The memo for a body that has none yet.
  func seal(_ memo: OwnerMemo, for body: TransitionBody) -> [UInt8] {
    precondition(memo.sent.count == body.outputs.count)
    return ChaCha20Poly1305.seal(memo.plaintext, authenticating: [], onceUnder: memoKey(for: body))
  }

  /// Opens the memo of one's own transition; nil if it is somebody else's, or if the opening is not
  /// that of the new balance.
  public func open(_ body: TransitionBody) -> OwnerMemo? {
    guard
      let plaintext = ChaCha20Poly1305.open(
        body.ownerMemo,
        authenticating: [],
        under: memoKey(for: body)
      ),
      // A failure is somebody else's memo, or one of a broken wallet: not ours to read.
      let memo = try? OwnerMemo(plaintext: plaintext, outputs: body.outputs.count),
      Commitment(memo.balance) == body.newBalance
    else { return nil }
    return memo
  }
}
