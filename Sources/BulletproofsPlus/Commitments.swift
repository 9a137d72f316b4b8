public import Curve25519

/// The public side of a proof: 1, 2, 4, 8 or 16 commitments.
///
/// The identity is one of them where a proof is padded with values that are 0 for all to see.
public struct Commitments: Sendable {
  let points: [EncodedPoint]

  public var count: Int { points.count }

  /// What is written of them, in their order.
  public var encodings: [Encoding32] { points.map(\.encoding) }

  /// Reads them strictly, in variable time.
  ///
  /// - Throws: `wrongCount` or `badCommitment`.
  public init(_ encodings: [Encoding32]) throws(RangeProofFailure) {
    guard RangeProof.roundCount(values: encodings.count) != nil else { throw .wrongCount }
    var points: [EncodedPoint] = []
    for (encoding, point) in zip(encodings, RistrettoPoint.decoded(canonical: encodings)) {
      guard let point else { throw .badCommitment }
      points.append(EncodedPoint(point, encoding))
    }
    self.points = points
  }

  /// Takes points that were read, or made, before.
  ///
  /// - Throws: `wrongCount`.
  public init(_ points: [EncodedPoint]) throws(RangeProofFailure) {
    guard RangeProof.roundCount(values: points.count) != nil else { throw .wrongCount }
    self.points = points
  }

  /// Takes them as they are.
  ///
  /// - Throws: `wrongCount`.
  public init(_ points: [RistrettoPoint]) throws(RangeProofFailure) {
    guard RangeProof.roundCount(values: points.count) != nil else { throw .wrongCount }
    self.points = points.map { EncodedPoint($0) }
  }
}
