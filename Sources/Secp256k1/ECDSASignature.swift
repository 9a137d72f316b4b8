internal import CSecp256k1
public import Kernel

/// A point of secp256k1 in its compressed form: 02 or 03 by the parity of y, then x, big-endian.
public struct ECDSAPublicKey: Hashable, Sendable {
  /// 33 of them.
  public let bytes: [UInt8]
}

/// An ECDSA signature over secp256k1 from which the signer's key can be found.
public struct ECDSASignature: Hashable, Sendable {
  /// r ‖ s, both big-endian.
  public let bytes: Bytes64
  /// Which of the points whose x may have been r: 0...3 in what a signer makes.
  public let recoveryID: UInt8

  public init(_ bytes: Bytes64, recoveryID: UInt8) {
    self.bytes = bytes
    self.recoveryID = recoveryID
  }

  /// Whether s is at most half the group's order.
  ///
  /// Of s and its negative, which are both valid for one message, only that one may stand: else
  /// anybody could change the bytes of a signature, and so the id of what it signs.
  public var isLowS: Bool { bytes.high <= Self.halfOrder }

  private static let halfOrder = Bytes32(
    words: (
      UInt64(0x7fff_ffff_ffff_ffff).byteSwapped, UInt64(0xffff_ffff_ffff_ffff),
      UInt64(0x5d57_6e73_57a4_501d).byteSwapped, UInt64(0xdfe9_2f46_681b_20a0).byteSwapped
    )
  )

  /// The key that made this signature of a digest; nil if none did.
  ///
  /// A key that is found has signed: there is nothing more to verify. Variable-time.
  public func signer(ofDigest digest: Bytes32) -> ECDSAPublicKey? {
    // The library aborts on another number.
    guard recoveryID <= 3 else { return nil }
    let context = Library.context
    var parsed = secp256k1_ecdsa_recoverable_signature()
    guard
      secp256k1_ecdsa_recoverable_signature_parse_compact(
        context,
        &parsed,
        bytes.bytes,
        Int32(recoveryID)
      ) == 1
    else { return nil }
    var point = secp256k1_pubkey()
    guard secp256k1_ecdsa_recover(context, &point, &parsed, digest.bytes) == 1 else { return nil }
    return ECDSAPublicKey(point)
  }
}

extension ECDSAPublicKey {
  static let size = 33

  init(_ point: secp256k1_pubkey) {
    var point = point
    var size = Self.size
    var bytes = [UInt8](repeating: 0, count: size)
    let form = UInt32(SECP256K1_EC_COMPRESSED)
    secp256k1_ec_pubkey_serialize(Library.context, &bytes, &size, &point, form)
    self.bytes = bytes
  }
}

/// libsecp256k1, ready.
enum Library {
  /// Only ever read after its creation, as the library's functions take it by pointer to const: any
  /// number of threads may use it at once.
  nonisolated(unsafe) static let context: OpaquePointer = {
    guard let context = secp256k1_context_create(UInt32(SECP256K1_CONTEXT_NONE)) else {
      preconditionFailure("no memory for a context")
    }
    return context
  }()
}
