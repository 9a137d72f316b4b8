import Kernel
import Testing

@testable import Mesh

/// A network to test with: keys from small numbers, so that every run is the same.
enum Fixture {
  static func key(_ number: UInt64) -> SecretKey {
    var seed = number.littleEndianBytes + [UInt8](repeating: 7, count: 24)
    guard let key = SecretKey(seed: &seed) else { fatalError("32 bytes") }
    return key
  }

  /// In the order of their set.
  static func validatorKeys(_ count: Int) -> [SecretKey] {
    (0..<UInt64(count)).map { key($0) }.sorted { $0.publicKey < $1.publicKey }
  }
}
