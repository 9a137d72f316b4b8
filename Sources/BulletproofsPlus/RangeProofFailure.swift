/// Why values cannot be proved or a proof is refused, in the order of the checks.
public enum RangeProofFailure: UInt16, Error, Hashable, Sendable {
  /// Neither 1, 2, 4, 8 nor 16 values or commitments.
  case wrongCount = 1
  /// A commitment's bytes are not the encoding of an element.
  case badCommitment = 2
  /// No proof has so many bytes: truncated or extended.
  case wrongLength = 3
  /// A proof for another number of commitments.
  case countMismatch = 4
  /// A scalar of ℓ or more.
  case nonCanonicalScalar = 5
  /// Bytes that are not the encoding of an element.
  case badPoint = 6
  /// A point of the proof is the identity.
  case identityPoint = 7
  /// A challenge is 0, which no honest run meets.
  case zeroChallenge = 8
  /// Well-formed, and proves nothing.
  case invalid = 9
}
