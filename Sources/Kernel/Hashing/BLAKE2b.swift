internal import CSodium

/// BLAKE2b (RFC 7693) over collected fields, with an optional personal string; by libsodium.
///
/// The input is gathered and hashed at once: what Trellis hashes is small (at most a few KiB), and
/// libsodium's streaming state has an alignment that Swift does not import.
public struct BLAKE2b: Sendable {
  private var input: ByteWriter
  private let personal: [UInt8]

  /// Starts a hash.
  ///
  /// - Parameters:
  ///   - personal: at most 16 bytes of UTF-8, zero-padded to 16. It separates the uses of one
  ///     hash: equal input under another personal string gives an unrelated digest.
  ///   - capacity: bytes expected, to allocate once.
  public init(personal: StaticString = "", capacity: Int = 256) {
    var padded = personal.withUTF8Buffer { [UInt8]($0) }
    precondition(padded.count <= 16)
    padded.append(contentsOf: repeatElement(0, count: 16 - padded.count))
    self.personal = padded
    input = ByteWriter(capacity: capacity)
  }

  public mutating func update(_ bytes: [UInt8]) {
    input.array(bytes)
  }

  public mutating func update(_ bytes: Bytes32) {
    input.bytes32(bytes)
  }

  /// Little-endian.
  public mutating func update<I: FixedWidthInteger & BitwiseCopyable>(integer: I) {
    input.integer(integer)
  }

  /// A digest of `size` bytes, 1...64.
  ///
  /// The size is part of the hash: a shorter digest is not a prefix of a longer one.
  public func finalize(size: Int) -> [UInt8] {
    precondition((1...64).contains(size))
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      guard let digest = buffer.baseAddress else { return }
      hash(into: digest, size: size)
      count = size
    }
  }

  /// The 32-byte digest.
  public func finalize() -> Bytes32 {
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { buffer in
      guard let digest = buffer.baseAddress else { return .zero }
      hash(into: digest.assumingMemoryBound(to: UInt8.self), size: 32)
      func word(_ index: Int) -> UInt64 {
        UInt64(littleEndian: digest.load(fromByteOffset: index * 8, as: UInt64.self))
      }
      return Bytes32(words: (word(0), word(1), word(2), word(3)))
    }
  }

  /// BLAKE2b-256 of a text and what follows it, as published seeds and domains use it.
  public static func hash256(_ text: StaticString, _ rest: [UInt8] = []) -> Bytes32 {
    var hash = BLAKE2b(capacity: 128)
    hash.update(text.withUTF8Buffer { [UInt8]($0) })
    hash.update(rest)
    return hash.finalize()
  }

  private func hash(into digest: UnsafeMutablePointer<UInt8>, size: Int) {
    let status = crypto_generichash_blake2b_salt_personal(
      digest,
      size,
      input.bytes,
      UInt64(input.bytes.count),
      nil,
      0,
      nil,
      personal
    )
    precondition(status == 0)
  }
}
