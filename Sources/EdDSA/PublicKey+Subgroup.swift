import Curve25519
import Kernel

extension PublicKey {
  /// Whether the key generates the subgroup of prime order, and is encoded canonically.
  ///
  /// Such keys leave no room for the cofactor: every rule of verification agrees on them, and no
  /// second encoding of the same point is another key. Variable-time; about the price of verifying
  /// a signature, so ask once for each key.
  public var isInPrimeSubgroup: Bool { Self.areInPrimeSubgroup([self])[0] }

  /// The same of each, several at little more than the price of one.
  public static func areInPrimeSubgroup(_ keys: [PublicKey]) -> [Bool] {
    var answers: [Bool] = []
    answers.reserveCapacity(keys.count)
    for start in stride(from: 0, to: keys.count, by: pieceMax) {
      let piece = keys[start..<min(start + pieceMax, keys.count)]
      let points = EdwardsPoint.decoded(canonical: piece.map { Encoding32($0.bytes) })
      var found = EdwardsPoint.areInPrimeSubgroup(points.compactMap(\.self)).makeIterator()
      answers += points.map { $0 != nil && found.next() == true }
    }
    return answers
  }

  /// Decoded at a time, for the sake of memory: 160 bytes each.
  private static let pieceMax = 256
}
