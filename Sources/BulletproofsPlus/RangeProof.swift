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
    let fields = try Fields(bytes)
    try self.init(fields, RistrettoPoint.decoded(canonical: fields.points)[...])
  }

  /// Reads each as `init` does, in less time: their points are decoded together.
  ///
  /// - Parameter proofs: all the bytes of each.
  /// - Returns: for each, in order, the proof or what `init` throws.
  public static func decoded(_ proofs: [[UInt8]]) -> [Result<RangeProof, RangeProofFailure>] {
    let all = proofs.map { bytes in
      Result { () throws(RangeProofFailure) in try Fields(bytes) }
    }
    var points = RistrettoPoint.decoded(
      canonical: all.flatMap { fields in (try? fields.get())?.points ?? [] }
    )[...]
    return all.map { fields in
      fields.flatMap { fields in
        defer { points = points.dropFirst(fields.points.count) }
        return Result { () throws(RangeProofFailure) in
          try RangeProof(fields, points.prefix(fields.points.count))
        }
      }
    }
  }

  /// A proof cut into its parts, before its points are decoded.
  private struct Fields {
    /// A, A1, B and those of the rounds.
    let points: [Encoding32]
    let responses: (r1: Scalar, s1: Scalar, d1: Scalar)

    init(_ bytes: [UInt8]) throws(RangeProofFailure) {
      // The length is checked before anything is allocated: five lengths are possible.
      guard (6...10).contains(where: { 192 + 64 * $0 == bytes.count }) else { throw .wrongLength }
      func field(_ index: Int) -> Encoding32 { Encoding32(bytes, at: 32 * index) }
      guard let r1 = Scalar(canonical: field(3)), let s1 = Scalar(canonical: field(4)),
        let d1 = Scalar(canonical: field(5))
      else { throw .nonCanonicalScalar }
      responses = (r1, s1, d1)
      points = (0..<bytes.count / 32).compactMap { (3..<6).contains($0) ? nil : field($0) }
    }
  }

  private init(
    _ fields: Fields,
    _ decoded: ArraySlice<RistrettoPoint?>
  ) throws(RangeProofFailure) {
    var points: [EncodedPoint] = []
    points.reserveCapacity(fields.points.count)
    for (encoding, point) in zip(fields.points, decoded) {
      guard let point else { throw .badPoint }
      guard encoding.words != (0, 0, 0, 0) else { throw .identityPoint }
      points.append(EncodedPoint(point, encoding))
    }
    self.init(
      a: points[0],
      a1: points[1],
      b: points[2],
      responses: fields.responses,
      rounds: stride(from: 3, to: points.count, by: 2).map {
        Round(l: points[$0], r: points[$0 + 1])
      }
    )
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
