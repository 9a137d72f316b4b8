public import Curve25519

/// A point with its encoding, each of which costs an inverse square root to make of the other.
public struct EncodedPoint: Sendable {
  public let point: RistrettoPoint
  public let encoding: Encoding32

  /// Of a point that is about to be published.
  public init(_ point: RistrettoPoint) { self.init(point, disclosed(point.encoding)) }

  /// Reads one strictly, in variable time; nil unless the bytes are the encoding of an element.
  public init?(canonical encoding: Encoding32) {
    guard let point = RistrettoPoint(canonical: encoding) else { return nil }
    self.init(point, encoding)
  }

  /// - Precondition: they belong together.
  init(_ point: RistrettoPoint, _ encoding: Encoding32) {
    self.point = point
    self.encoding = encoding
  }
}
