public import BulletproofsPlus
import Kernel

/// An output as its recipient sees it.
public struct IncomingPayment: Sendable {
  public let amount: Amount
  public let memo: Memo
  /// Opens the output's commitment; needed to claim it.
  public let opening: Opening
}

extension IncomingViewKey {
  /// Opens an output addressed to this key's account.
  ///
  /// - Parameters:
  ///   - output: at `index` of the transition.
  ///   - index: its place.
  ///   - slot: of the transition that made it.
  ///   - network: where.
  /// - Returns: the payment; nil if the amount does not match the commitment. Such an output must
  ///   never be claimed: nobody could open the balance that it went into.
  public func open(
    _ output: RecipientOutput,
    at index: Int,
    of slot: Slot,
    on network: NetworkID
  ) -> IncomingPayment? {
    guard let index = UInt8(exactly: index),
      let shared = X25519.sharedSecret(secret, with: output.ephemeralKey)
    else { return nil }
    let context = OutputContext(
      network: network,
      slot: slot,
      index: index,
      recipient: output.recipient,
      ephemeralKey: output.ephemeralKey,
      viewKey: publicKey
    )
    let secrets = OutputSecrets(shared: shared, context: context)
    guard secrets.viewTag == output.viewTag,
      let plaintext = ChaCha20Poly1305.open(
        output.memo,
        authenticating: output.commitment.bytes.bytes,
        under: secrets.key
      ),
      let (amount, memo) = Memo.read(plaintext)
    else { return nil }
    let opening = Opening(value: amount.units, blinding: secrets.blinding)
    guard Commitment(opening) == output.commitment else { return nil }
    return IncomingPayment(amount: amount, memo: memo, opening: opening)
  }
}

/// Someone to be paid in a transition.
public struct Payee: Hashable, Sendable {
  public let address: Address
  public let amount: Amount
  public let memo: Memo

  public init(address: Address, amount: Amount, memo: Memo = .none) {
    self.address = address
    self.amount = amount
    self.memo = memo
  }
}

extension AccountKeys {
  /// The memo of an output that this account made: its ephemeral key can be made again.
  ///
  /// - Parameters:
  ///   - index: of the output.
  ///   - body: of the transition.
  ///   - opened: the transition's owner memo.
  /// - Returns: nil if the output was not made with these keys.
  public func sentMemo(at index: Int, of body: TransitionBody, _ opened: OwnerMemo) -> Memo? {
    let output = body.outputs[index]
    let ephemeral = Tag.ephemeral.derive(self.ephemeral, opened.salt.bytes + [UInt8(index)])
    guard X25519.publicKey(of: ephemeral) == output.ephemeralKey,
      let shared = X25519.sharedSecret(ephemeral, with: opened.sent[index].viewKey)
    else { return nil }
    let context = OutputContext(
      network: body.network,
      slot: body.slot,
      index: UInt8(index),
      recipient: output.recipient,
      ephemeralKey: output.ephemeralKey,
      viewKey: opened.sent[index].viewKey
    )
    return ChaCha20Poly1305.open(
      output.memo,
      authenticating: output.commitment.bytes.bytes,
      under: OutputSecrets(shared: shared, context: context).key
    ).flatMap { Memo.read($0)?.memo }
  }

  /// Makes the output that pays somebody, and its opening.
  ///
  /// The ephemeral key follows from the owner's key, the salt and the place: nothing is drawn here.
  /// Nil if the memo is too long, or the payee's view key is of small order.
  func output(
    for payee: Payee,
    at index: UInt8,
    of slot: Slot,
    salt: Bytes32,
    on network: NetworkID
  ) -> (output: RecipientOutput, opening: Opening)? {
    let ephemeral = Tag.ephemeral.derive(self.ephemeral, salt.bytes + [index])
    let ephemeralKey = X25519.publicKey(of: ephemeral)
    guard let shared = X25519.sharedSecret(ephemeral, with: payee.address.viewKey),
      let plaintext = payee.memo.plaintext(amount: payee.amount)
    else { return nil }
    let context = OutputContext(
      network: network,
      slot: slot,
      index: index,
      recipient: payee.address.account,
      ephemeralKey: ephemeralKey,
      viewKey: payee.address.viewKey
    )
    let secrets = OutputSecrets(shared: shared, context: context)
    let opening = Opening(value: payee.amount.units, blinding: secrets.blinding)
    let commitment = Commitment(opening)
    let output = RecipientOutput(
      viewTag: secrets.viewTag,
      recipient: payee.address.account,
      commitment: commitment,
      ephemeralKey: ephemeralKey,
      memo: ChaCha20Poly1305.seal(
        plaintext,
        authenticating: commitment.bytes.bytes,
        onceUnder: secrets.key
      )
    )
    return (output, opening)
  }
}
