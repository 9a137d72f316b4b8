public import EdDSA
public import Kernel

/// An owner's signature over a body and the hash of its proof: all that is left of a transition when
/// its proof has been pruned, and enough to name it and to verify who signed it.
///
///     Receipt payload: TransitionBody ‖ proof hash 32 ‖ signature 64
public struct SignedBody: Hashable, Sendable {
  public let body: TransitionBody
  public let proofHash: ProofHash
  public let signature: Signature

  // Computed once.
  public let bodyHash: BodyHash
  public let hash: TransitionHash

  public init(_ body: TransitionBody, proofHash: ProofHash, signature: Signature) {
    self.body = body
    self.proofHash = proofHash
    self.signature = signature
    bodyHash = body.hash
    hash = TransitionHash(bodyHash, proofHash)
  }

  public var slot: Slot { body.slot }

  /// T("sign/transition", suite ‖ network ‖ sender ‖ sequence ‖ transition hash).
  ///
  /// Sender and sequence stand there in the open, so that two signatures prove an equivocation
  /// without the bodies.
  public static func message(
    slot: Slot,
    hash: TransitionHash,
    on network: NetworkID
  ) -> [UInt8] {
    var writer = ByteWriter(capacity: 105)
    writer.integer(Suite.ed25519.rawValue)
    writer.identifier(network)
    writer.identifier(slot.account)
    writer.integer(slot.sequence.number)
    writer.identifier(hash)
    return Tag.signTransition.message(writer.bytes)
  }

  public var message: [UInt8] { Self.message(slot: slot, hash: hash, on: body.network) }
}

extension SignedBody: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    let body = try TransitionBody(from: &reader)
    let proofHash = ProofHash(try reader.bytes32())
    self.init(body, proofHash: proofHash, signature: try reader.signature())
  }

  public func encode(into writer: inout ByteWriter) {
    body.encode(into: &writer)
    writer.identifier(proofHash)
    writer.bytes64(signature.bytes)
  }
}

/// A signed transition with its range proof, as its owner sends it.
///
///     TransitionBody ‖ proof length u16 ‖ range proof ‖ signature 64
public struct Transition: Hashable, Sendable {
  public let signed: SignedBody
  /// Empty without outputs.
  public let proof: [UInt8]

  public init(_ body: TransitionBody, proof: [UInt8], signature: Signature) {
    signed = SignedBody(body, proofHash: ProofHash(ofProof: proof), signature: signature)
    self.proof = proof
  }

  public var body: TransitionBody { signed.body }
  public var hash: TransitionHash { signed.hash }
  public var slot: Slot { signed.slot }

  /// The owner signs a body and its proof.
  public static func signed(
    _ body: TransitionBody,
    proof: [UInt8],
    by key: SecretKey
  ) -> Transition {
    precondition(AccountID(key.publicKey) == body.sender)
    let unsigned = Transition(body, proof: proof, signature: .zero)
    return Transition(body, proof: proof, signature: key.sign(unsigned.signed.message))
  }
}

extension Transition: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    let body = try TransitionBody(from: &reader)
    guard Int(try reader.uint16()) == body.proofSize else {
      throw reader.failure(.tooLong(WireField.proofLength))
    }
    let proof = try reader.array(body.proofSize)
    self.init(body, proof: proof, signature: try reader.signature())
  }

  public func encode(into writer: inout ByteWriter) {
    signed.body.encode(into: &writer)
    writer.integer(UInt16(proof.count))
    writer.array(proof)
    writer.bytes64(signed.signature.bytes)
  }
}
