public import EdDSA
public import Kernel

/// 32 bytes that name something: a type for each, so that none is taken for another.
public protocol Identifier: Hashable, Comparable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  var bytes: Bytes32 { get }

  init(_ bytes: Bytes32)
}

extension Identifier {
  public static func < (a: Self, b: Self) -> Bool { a.bytes < b.bytes }

  /// Lower-case hexadecimal.
  public var description: String { bytes.hex }
}

/// H256("genesis", Genesis bytes): stands in all that is signed, so that nothing replays elsewhere.
public struct NetworkID: Identifier {
  public let bytes: Bytes32

  public init(_ bytes: Bytes32) { self.bytes = bytes }
}

/// An account: in suite 0 its Ed25519 public key.
public struct AccountID: Identifier {
  public let bytes: Bytes32

  public init(_ bytes: Bytes32) { self.bytes = bytes }

  public init(_ key: PublicKey) { bytes = key.bytes }

  /// The key of an account of suite 0.
  public var key: PublicKey { PublicKey(bytes) }

  /// What the first transition names as its predecessor: H256("account-origin", network ‖ account).
  public func origin(on network: NetworkID) -> TransitionHash {
    TransitionHash(Tag.accountOrigin.hash(network.bytes.bytes + bytes.bytes))
  }
}

/// H256("transition", body hash ‖ proof hash): also names the transition's certificate, whichever
/// validators signed it.
public struct TransitionHash: Identifier {
  public let bytes: Bytes32

  public init(_ bytes: Bytes32) { self.bytes = bytes }
}

/// H256("transition-body", TransitionBody bytes).
public struct BodyHash: Identifier {
  public let bytes: Bytes32

  public init(_ bytes: Bytes32) { self.bytes = bytes }
}

/// H256("proof", range proof bytes): what is left of the proof in a pruned certificate.
public struct ProofHash: Identifier {
  public let bytes: Bytes32

  public init(_ bytes: Bytes32) { self.bytes = bytes }

  public init(ofProof proof: [UInt8]) { bytes = Tag.proof.hash(proof) }
}

extension TransitionHash {
  public init(_ body: BodyHash, _ proof: ProofHash) {
    bytes = Tag.transition.hash(body.bytes.bytes + proof.bytes.bytes)
  }
}
