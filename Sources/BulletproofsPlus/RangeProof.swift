import Curve25519

/// A proof that 1, 2, 4, 8 or 16 Pedersen commitments hold values below 2^64.
///
/// Bulletproofs+ (Chung, Han, Ju, Kim, Seo 2020, eprint 2020/735), aggregated. See
/// docs/math/bulletproofs-plus.md.
///
///     offset  size  field
///          0    32  A
///         32    32  A1
///         64    32  B
///         96    96  r1, s1, d1: scalars
///        192  64·k  L_1, R_1 … L_k, R_k, with 2^k = 64·m for m values
///
/// Everything is canonical: bytes that are accepted are the only ones for the same proof.
public struct RangeProof: Sendable {
  /// Bits of a value.
  public static let bits = 64

  /// Values in one proof: a transition has at most 15 outputs, and its balance.
  public static let valuesMax = 16

  let a: EncodedPoint
  let a1: EncodedPoint
  let b: EncodedPoint
  let r1: Scalar
  let s1: Scalar
  let d1: Scalar
  let rounds: [Round]

  struct Round: Sendable {
    let l: EncodedPoint
    let r: EncodedPoint
  }

  /// How many bytes a proof of so many values has; nil if there is none.
  public static func byteCount(values: Int) -> Int? {
    guard let rounds = roundCount(values: values) else { return nil }
    return 192 + 64 * rounds
  }

  /// log2 of 64·values.
  static func roundCount(values: Int) -> Int? {
    guard values >= 1, values <= valuesMax, values & (values - 1) == 0 else { return nil }
    return 6 + values.trailingZeroBitCount
  }

  /// How many values the proof is about.
  public var valueCount: Int { 1 << (rounds.count - 6) }

  /// Reads a proof strictly, in variable time.
  ///
  /// - Parameter bytes: all of them are the proof.
  /// - Throws: `wrongLength`, `nonCanonicalScalar`, `badPoint` or `identityPoint`.
  public init(_ bytes: [UInt8]) throws(RangeProofFailure) {
    // The length is checked before anything is allocated: five lengths are possible.
    guard
      let rounds = (6...10).first(where: { 192 + 64 * $0 == bytes.count })
    else { throw .wrongLength }
    let fields = (0..<bytes.count / 32).map { Array(bytes[32 * $0..<32 * $0 + 32]).asEncoding }
    let scalars = fields[3..<6].map { Scalar(canonical: $0) }
    guard let r1 = scalars[0], let s1 = scalars[1], let d1 = scalars[2] else {
      throw .nonCanonicalScalar
    }
    (self.r1, self.s1, self.d1) = (r1, s1, d1)
    let encodings = Array(fields[..<3] + fields[6...])
    var points: [EncodedPoint] = []
    for (encoding, point) in zip(encodings, RistrettoPoint.decoded(canonical: encodings)) {
      guard let point else { throw .badPoint }
      guard encoding.words != (0, 0, 0, 0) else { throw .identityPoint }
      points.append(EncodedPoint(point, encoding))
    }
    a = points[0]
    a1 = points[1]
    b = points[2]
    self.rounds = (0..<rounds).map { Round(l: points[3 + 2 * $0], r: points[4 + 2 * $0]) }
  }

  init(
    a: EncodedPoint,
    a1: EncodedPoint,
    b: EncodedPoint,
    responses: (r1: Scalar, s1: Scalar, d1: Scalar),
    rounds: [Round]
  ) {
    self.a = a
    self.a1 = a1
    self.b = b
    (r1, s1, d1) = responses
    self.rounds = rounds
  }

  public var bytes: [UInt8] {
    let head = [a.encoding, a1.encoding, b.encoding, r1.encoding, s1.encoding, d1.encoding]
    return (head + rounds.flatMap { [$0.l.encoding, $0.r.encoding] }).flatMap(\.bytes)
  }
}
