public import EdDSA
public import Kernel

/// The accounts that grow from one master seed.
///
/// childSeed = BLAKE2b-256("smallnano-account-v1" ‖ master seed 32 ‖ index 4, little-endian).
public struct DeterministicKeys: Sendable {
  private let master: SecretBytes

  public static let seedSize = 32

  /// Nil unless the seed has 32 bytes.
  public init?(master: SecretBytes) {
    guard master.count == Self.seedSize else { return nil }
    self.master = master
  }

  /// The Ed25519 seed of an account, for export.
  public func childSeed(_ index: UInt32) -> SecretBytes {
    SecretBytes(count: Self.seedSize) { child in
      master.withUnsafeBytes { master in
        BLAKE2b.hash256(
          "smallnano-account-v1",
          secret: master,
          withUnsafeBytes(of: index.littleEndian) { [UInt8]($0) },
          into: child
        )
      }
    }
  }

  public func key(_ index: UInt32) -> SecretKey {
    guard let key = SecretKey(seed: childSeed(index)) else {
      preconditionFailure("a child seed has 32 bytes")
    }
    return key
  }

  public func account(_ index: UInt32) -> Account { Account(key(index).publicKey) }
}
