/// SHA3-256 of FIPS 202, section 6.1.
public struct SHA3_256: Sendable {
  public static let byteCount = 32
  private var sponge = Sponge(rate: 200 - 64, suffix: 0x06)

  public init() {}

  public mutating func absorb(_ bytes: some Sequence<UInt8>) { sponge.absorb(bytes) }

  /// The 32-byte digest of all that was absorbed.
  public consuming func digest() -> [UInt8] { sponge.squeeze(Self.byteCount) }

  public static func digest(of bytes: some Sequence<UInt8>) -> [UInt8] {
    var hash = Self()
    hash.absorb(bytes)
    return hash.digest()
  }
}

/// SHA3-512 of FIPS 202, section 6.1.
public struct SHA3_512: Sendable {
  public static let byteCount = 64
  private var sponge = Sponge(rate: 200 - 128, suffix: 0x06)

  public init() {}

  public mutating func absorb(_ bytes: some Sequence<UInt8>) { sponge.absorb(bytes) }

  /// The 64-byte digest of all that was absorbed.
  public consuming func digest() -> [UInt8] { sponge.squeeze(Self.byteCount) }

  public static func digest(of bytes: some Sequence<UInt8>) -> [UInt8] {
    var hash = Self()
    hash.absorb(bytes)
    return hash.digest()
  }
}

/// SHAKE256 of FIPS 202, section 6.2: a hash whose output is as long as one likes.
public struct SHAKE256: Sendable {
  private var sponge = Sponge(rate: 200 - 64, suffix: 0x1f)

  public init() {}

  /// Starts from what is absorbed.
  public init(absorbing bytes: some Sequence<UInt8>) {
    sponge.absorb(bytes)
  }

  /// Absorbs more.
  ///
  /// - Precondition: nothing was squeezed yet.
  public mutating func absorb(_ bytes: some Sequence<UInt8>) { sponge.absorb(bytes) }

  /// The next `count` bytes of the output.
  public mutating func squeeze(_ count: Int) -> [UInt8] { sponge.squeeze(count) }

  /// Overwrites the state, when it absorbed a secret.
  public mutating func wipe() { sponge.wipe() }
}
