internal import CSodium

extension BLAKE2b {
  /// BLAKE2b-256 of a text, a secret and what follows it, written to 32 bytes of secret memory.
  ///
  /// What is copied on the way is wiped.
  public static func hash256(
    _ text: StaticString,
    secret: UnsafeRawBufferPointer,
    _ rest: [UInt8],
    into digest: UnsafeMutableRawBufferPointer
  ) {
    precondition(digest.count == 32)
    let prefix = text.utf8CodeUnitCount
    let count = prefix + secret.count + rest.count
    withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { input in
      text.withUTF8Buffer { input.copyBytes(from: $0) }
      UnsafeMutableRawBufferPointer(rebasing: input[prefix...]).copyMemory(from: secret)
      UnsafeMutableRawBufferPointer(rebasing: input[(prefix + secret.count)...])
        .copyBytes(from: rest)
      let status = crypto_generichash_blake2b(
        digest.start,
        32,
        input.start,
        UInt64(count),
        nil,
        0
      )
      sodium_memzero(input.start, count)
      precondition(status == 0)
    }
  }
}
