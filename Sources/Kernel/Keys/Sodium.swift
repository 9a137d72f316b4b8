internal import CSodium

/// libsodium, initialised.
enum Sodium {
  /// Evaluated once, by the first that asks.
  ///
  /// Only then does libsodium know the page size, which its
  /// guarded memory needs, and the fastest code for this processor.
  private static let isReady = sodium_init() >= 0

  /// To be called before libsodium's memory functions; cheap when repeated.
  static func prepare() {
    precondition(isReady)
  }
}

extension UnsafeRawBufferPointer {
  /// The first byte, as C functions take it, of a buffer that is known not to be empty.
  package var start: UnsafePointer<UInt8> {
    guard let baseAddress else { preconditionFailure("an empty buffer has no start") }
    return baseAddress.assumingMemoryBound(to: UInt8.self)
  }
}

extension UnsafeMutableRawBufferPointer {
  /// The first byte, as C functions take it, of a buffer that is known not to be empty.
  package var start: UnsafeMutablePointer<UInt8> {
    guard let baseAddress else { preconditionFailure("an empty buffer has no start") }
    return baseAddress.assumingMemoryBound(to: UInt8.self)
  }
}
