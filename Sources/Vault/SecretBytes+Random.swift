import CSodium
public import Kernel

extension UnsafeRawBufferPointer {
  /// The first byte as C functions take it; a secret's buffer has one even if it is empty.
  package var octets: UnsafePointer<UInt8> {
    guard let baseAddress else { preconditionFailure("a secret has an address") }
    return baseAddress.assumingMemoryBound(to: UInt8.self)
  }
}

extension UnsafeMutableRawBufferPointer {
  /// The first byte as C functions take it; a secret's buffer has one even if it is empty.
  package var octets: UnsafeMutablePointer<UInt8> {
    guard let baseAddress else { preconditionFailure("a secret has an address") }
    return baseAddress.assumingMemoryBound(to: UInt8.self)
  }
}

extension SecretBytes {
  /// Unpredictable bytes, from the system.
  public static func random(_ count: Int) -> SecretBytes {
    SecretBytes(count: count) { randombytes_buf($0.octets, $0.count) }
  }
}
