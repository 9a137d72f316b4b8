public import Kernel

/// Why a transition gets no vote: 100 × rule + detail, in the order of the rules (SPEC-002, 2.4.3).
public enum TransitionRejection: UInt16, Error, CaseIterable, Sendable {
  // 1 FORMAT
  case malformed = 101
  case unknownVersion = 102
  case suiteNotEnabled = 103
  case limit = 104
  case pointNotCanonical = 105
  case emptyTransition = 106
  // 2 NETWORK
  case wrongNetwork = 201
  case unknownAsset = 202
  // 3 SIGNATURE
  case unacceptableKey = 301
  case badSignature = 302
  // 4 SEQUENCE
  case alreadySettled = 401
  case sequenceAhead = 402
  case wrongPredecessor = 403
  case wrongSuite = 404
  // 5 EQUIVOCATION
  case conflict = 501
  case ballotSuperseded = 502
  case badJustification = 503
  // 6 CLAIMS
  case unknownOutput = 601
  case notTheRecipient = 602
  case alreadyClaimed = 603
  case assetMismatch = 604
  case nothingToSpend = 605
  // 7 OUTPUTS AND FEE
  case feeTooLow = 701
  case feeOnReceive = 702
  case outputKind = 703
  case identityCommitment = 704
  // 8 BALANCE
  case notBalanced = 801
  // 9 RANGE
  case proofMissingOrSurplus = 901
  case proofInvalid = 902

  /// Whether another state of the same ledger may accept the same transition.
  ///
  /// Not so where something was claimed already: that was done by the sender's own chain, which the
  /// transition names by its predecessor.
  public var isTransient: Bool {
    switch self {
    case .alreadySettled, .sequenceAhead, .wrongPredecessor, .conflict, .ballotSuperseded,
      .unknownOutput, .nothingToSpend:
      true
    case .malformed, .unknownVersion, .suiteNotEnabled, .limit, .pointNotCanonical,
      .emptyTransition, .wrongNetwork, .unknownAsset, .unacceptableKey, .badSignature,
      .wrongSuite, .badJustification, .notTheRecipient, .alreadyClaimed, .assetMismatch, .feeTooLow,
      .feeOnReceive, .outputKind, .identityCommitment, .notBalanced, .proofMissingOrSurplus,
      .proofInvalid:
      false
    }
  }

  /// Who could have known better.
  public enum Blame: Hashable, Sendable {
    /// No honest wallet sends such a thing; some of them on one connection end it.
    case sender
    /// It was right when it was sent, or at another validator.
    case nobody
  }

  public var blame: Blame {
    switch self {
    case .malformed, .unknownVersion, .limit, .pointNotCanonical, .emptyTransition,
      .unacceptableKey, .badSignature, .badJustification, .notBalanced, .proofMissingOrSurplus,
      .proofInvalid:
      .sender
    case .suiteNotEnabled, .wrongNetwork, .unknownAsset, .alreadySettled, .sequenceAhead,
      .wrongPredecessor, .wrongSuite, .conflict, .ballotSuperseded, .unknownOutput,
      .notTheRecipient, .alreadyClaimed, .assetMismatch, .nothingToSpend, .feeTooLow,
      .feeOnReceive, .outputKind, .identityCommitment:
      .nobody
    }
  }

  /// The code of the first rule that stands for a failure to decode.
  public init(_ failure: DecodingFailure) {
    switch failure.problem {
    case .unknown(WireField.version): self = .unknownVersion
    case .unknown(WireField.suite): self = .suiteNotEnabled
    case .tooLong: self = .limit
    case .notCanonical(WireField.point): self = .pointNotCanonical
    case .notCanonical(WireField.emptyTransition): self = .emptyTransition
    case .truncated, .trailingBytes, .notCanonical, .unknown: self = .malformed
    }
  }
}

extension Transition {
  /// Rule 1: strict decoding, with the rule's code for what is wrong.
  public static func decode(_ bytes: [UInt8]) throws(TransitionRejection) -> Transition {
    guard bytes.count <= Limits.transitionBytes else { throw .limit }
    do throws(DecodingFailure) {
      return try Transition(encoded: bytes)
    } catch {
      throw TransitionRejection(error)
    }
  }
}
