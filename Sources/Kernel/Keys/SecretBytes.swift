internal import CSodium

/// A seed, key or password: wiped when the last reference goes, compared in constant time.
///
/// The bytes lie in pages of their own between guard pages (libsodium's `sodium_malloc`), locked in
/// memory and kept out of core dumps where the system permits. They are read-only from the end of
/// `init` on. There is no description and no encoding; copying bytes out is on the caller.
///
/// `@unchecked Sendable`: nothing writes to the memory between `init` and `deinit`.
public final class SecretBytes: @unchecked Sendable {
  public let count: Int
  private let memory: UnsafeMutableRawPointer

  /// Allocates `count` bytes, all zero, and lets `fill` write them.
  public init(count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
    precondition(count >= 0)
    Sodium.prepare()
    // Like Swift's own allocations, traps when memory is exhausted.
    guard let memory = sodium_malloc(count) else { preconditionFailure("no memory for a secret") }
    self.count = count
    self.memory = memory
    // sodium_malloc fills with 0xdb.
    sodium_memzero(memory, count)
    try fill(UnsafeMutableRawBufferPointer(start: memory, count: count))
    sodium_mprotect_readonly(memory)
  }

  /// Takes the bytes over and leaves zeros in their place.
  ///
  /// Only this array is wiped: if another variable shares its storage, that one keeps the secret.
  public convenience init(wiping bytes: inout [UInt8]) {
    self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    bytes.withUnsafeMutableBytes { sodium_memzero($0.baseAddress, $0.count) }
  }

  deinit {
    sodium_free(memory)  // wipes
  }

  /// Lends the bytes; the pointer must not outlive `body`.
  public func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try body(UnsafeRawBufferPointer(start: memory, count: count))
  }
}

extension SecretBytes: Equatable {
  /// Constant-time in the bytes; the count is not a secret.
  public static func == (a: SecretBytes, b: SecretBytes) -> Bool {
    a.count == b.count && sodium_memcmp(a.memory, b.memory, a.count) == 0
  }
}
