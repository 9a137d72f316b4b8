import BulletproofsPlus
import Curve25519
import Kernel

/// An opened payment as its payee's wallet keeps it, so that it need not be opened again.
///
///     blinding 32 ‖ readable u8 ‖ amount u64 and memo, as in the output
///
/// To open an output takes an exchange of keys and a commitment; to read this, a stream cipher. Sealed
/// under a key of the view key and the output's place. An output opens to one payment, so no key seals
/// two.
extension IncomingViewKey {
  private func key(of reference: OutputReference) -> SecretBytes {
    Tag.openedPayment.derive(secret, reference.encoded)
  }

  /// Seals what the output at `reference` opened to.
  public func seal(_ payment: IncomingPayment, of reference: OutputReference) -> [UInt8] {
    let isReadable = payment.memo != .unreadable
    guard let memo = (isReadable ? payment.memo : .none).plaintext(amount: payment.amount) else {
      preconditionFailure("a memo that came fits its output")
    }
    var writer = ByteWriter(capacity: 33 + memo.count)
    writer.bytes32(Bytes32(words: payment.opening.blinding.encoding.words))
    writer.flag(isReadable)
    writer.array(memo)
    return ChaCha20Poly1305.seal(writer.bytes, authenticating: [], onceUnder: key(of: reference))
  }

  /// Reads what `seal` made; nil for anything else.
  public func opened(_ sealed: [UInt8], of reference: OutputReference) -> IncomingPayment? {
    guard
      let plaintext = ChaCha20Poly1305.open(
        sealed,
        authenticating: [],
        under: key(of: reference)
      )
    else { return nil }
    // What is not of this form was sealed by another version: the caller opens the output again.
    return try? payment(plaintext)
  }

  private func payment(_ plaintext: [UInt8]) throws(DecodingFailure) -> IncomingPayment {
    var reader = ByteReader(plaintext)
    guard let blinding = Scalar(canonical: Encoding32(words: try reader.bytes32().words)) else {
      throw reader.failure(.notCanonical("blinding"))
    }
    let isReadable = try reader.flag("readable")
    guard let (amount, memo) = Memo.read(try reader.array(reader.remaining)) else {
      throw reader.failure(.unknown("memo"))
    }
    return IncomingPayment(
      amount: amount,
      memo: isReadable ? memo : .unreadable,
      opening: Opening(value: amount.units, blinding: blinding)
    )
  }
}
