import CKernels
internal import CSodium

/// SHA-256 (FIPS 180-4): by the processor's instructions for it, or by libsodium.
public enum SHA256 {
  public static func hash(_ bytes: [UInt8]) -> Bytes32 {
    bytes.withUnsafeBytes { hash(of: $0) }
  }

  /// Of two bytes before two hashes, as a tree's branch has them: no array is made of them.
  public static func hash(
    _ first: UInt8,
    _ second: UInt8,
    _ left: Bytes32,
    _ right: Bytes32
  ) -> Bytes32 {
    withUnsafeTemporaryAllocation(byteCount: 66, alignment: 8) { message in
      (message[0], message[1]) = (first, second)
      left.withUnsafeBytes { message[2..<34].copyBytes(from: $0) }
      right.withUnsafeBytes { message[34...].copyBytes(from: $0) }
      return hash(of: UnsafeRawBufferPointer(message))
    }
  }

  /// Of a byte and a hash before the rest, as a tree's leaf has them.
  public static func hash(_ first: UInt8, _ second: Bytes32, _ rest: [UInt8]) -> Bytes32 {
    withUnsafeTemporaryAllocation(byteCount: 33 + rest.count, alignment: 8) { message in
      message[0] = first
      second.withUnsafeBytes { message[1..<33].copyBytes(from: $0) }
      message[33...].copyBytes(from: rest)
      return hash(of: UnsafeRawBufferPointer(message))
    }
  }

  /// SHA-256d: the hash of the hash.
  public static func double(_ bytes: [UInt8]) -> Bytes32 {
    let first = hash(bytes)
    guard hasInstructions else { return bySodium(first.bytes) }
    return first.withUnsafeBytes { digest(of: $0) }
  }

  /// Four times as fast as libsodium; `KERNELS=portable` does without.
  private static let hasInstructions =
    trellis_sha256_instructions() == 1 && trellis_kernel_limit() > 0

  static func bySodium(_ bytes: [UInt8]) -> Bytes32 {
    bytes.withUnsafeBytes { bySodium($0) }
  }

  private static func hash(of bytes: UnsafeRawBufferPointer) -> Bytes32 {
    hasInstructions ? digest(of: bytes) : bySodium(bytes)
  }

  private static func bySodium(_ bytes: UnsafeRawBufferPointer) -> Bytes32 {
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { digest in
      let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      _ = crypto_hash_sha256(digest.start, start, UInt64(bytes.count))
      func word(_ index: Int) -> UInt64 {
        UInt64(littleEndian: digest.load(fromByteOffset: index * 8, as: UInt64.self))
      }
      return Bytes32(words: (word(0), word(1), word(2), word(3)))
    }
  }

  /// Nil if this processor has none.
  static func byInstructionsIfAny(_ bytes: [UInt8]) -> Bytes32? {
    trellis_sha256_instructions() == 1 ? byInstructions(bytes) : nil
  }

  private static func byInstructions(_ bytes: [UInt8]) -> Bytes32 {
    bytes.withUnsafeBytes { digest(of: $0) }
  }

  /// The whole blocks as they lie, then one or two with the rest and the padding: a one bit, zeros and the
  /// length in bits, big-endian in the last 8 bytes.
  private static func digest(of bytes: UnsafeRawBufferPointer) -> Bytes32 {
    let rest = bytes.count % 64
    let padded = rest < 56 ? 64 : 128
    var state = initial
    return withUnsafeMutableBytes(of: &state) { state in
      let words = state.assumingMemoryBound(to: UInt32.self)
      if let start = bytes.baseAddress {
        let blocks = start.assumingMemoryBound(to: UInt8.self)
        trellis_sha256_blocks(words.baseAddress, blocks, Int64(bytes.count / 64))
      }
      withUnsafeTemporaryAllocation(byteCount: 128, alignment: 8) { tail in
        tail.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - rest)...]))
        for index in rest..<padded { tail[index] = 0 }
        tail[rest] = 0x80
        let bits = UInt64(bytes.count) << 3
        tail.storeBytes(of: bits.bigEndian, toByteOffset: padded - 8, as: UInt64.self)
        let blocks = tail.assumingMemoryBound(to: UInt8.self).baseAddress
        trellis_sha256_blocks(words.baseAddress, blocks, Int64(padded / 64))
      }
      func word(_ index: Int) -> UInt64 {
        (UInt64(words[2 * index]) << 32 | UInt64(words[2 * index + 1])).byteSwapped
      }
      return Bytes32(words: (word(0), word(1), word(2), word(3)))
    }
  }

  // FIPS 180-4, section 5.3.3.
  private static let initial: InlineArray<8, UInt32> = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]
}
