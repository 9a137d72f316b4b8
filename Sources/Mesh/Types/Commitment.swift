public import BulletproofsPlus
import Curve25519
public import Kernel

/// A Pedersen commitment to an amount, v·G + r·H, read and ready for arithmetic.
public struct Commitment: Hashable, Sendable, CustomStringConvertible {
  let encoded: EncodedPoint

  /// The commitment to 0 with blinding 0: what an account that was never seen holds.
  public static let identity = Commitment(EncodedPoint(.identity))

  init(_ encoded: EncodedPoint) { self.encoded = encoded }

  init(_ point: RistrettoPoint) { encoded = EncodedPoint(point) }

  /// Strict; nil unless the bytes are the one encoding of an element.
  public init?(_ bytes: Bytes32) {
    guard let encoded = EncodedPoint(canonical: Encoding32(words: bytes.words)) else { return nil }
    self.encoded = encoded
  }

  /// In constant time.
  public init(_ opening: Opening) { self.init(opening.commitment) }

  /// A commitment that everyone can open: blinding 0.
  public init(publicAmount amount: Amount) {
    self.init(Opening(value: amount.units, blinding: .zero))
  }

  public var bytes: Bytes32 { Bytes32(words: encoded.encoding.words) }

  var point: RistrettoPoint { encoded.point }

  public var isIdentity: Bool { bytes.isZero }

  public static func == (a: Self, b: Self) -> Bool { a.bytes == b.bytes }

  public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

  public var description: String { bytes.hex }
}
