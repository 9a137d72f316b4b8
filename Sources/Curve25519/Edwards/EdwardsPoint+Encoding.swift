extension EdwardsPoint {
  /// RFC 8032, section 5.1.2: y below p, and in the top bit whether x is odd.
  ///
  /// One inversion.
  public var encoding: Encoding32 {
    let inverse = z.inverted()
    let (x, y) = (x * inverse, y * inverse)
    let words = y.encoding.words
    let sign: UInt64 = x.isNegative ? 1 : 0
    return Encoding32(words: (words.0, words.1, words.2, words.3 | sign &<< 63))
  }

  /// Decodes as ZIP-215 says; nil if no point has this y.
  ///
  /// Variable-time. Against RFC 8032 two refusals are missing: y may be p or more (19 integers, taken modulo p),
  /// and x = 0 may have its sign bit set. So an encoding is refused only if it is off the curve.
  public init?(zip215 encoding: Encoding32) {
    let (y, u, v) = Self.ratio(encoding)
    guard let root = FieldElement.squareRoot(of: u, over: v) else { return nil }
    self.init(root: root, y: y, isNegative: encoding.topBit)
  }

  /// Decodes each as `init(zip215:)` does, in less time.
  ///
  /// Two decodings are most of the fixed cost of verifying a signature. Variable-time.
  public static func decoded(zip215 encodings: [Encoding32]) -> [EdwardsPoint?] {
    decoded(zip215: encodings, path: .best)
  }

  static func decoded(zip215 encodings: [Encoding32], path: ArithmeticPath) -> [EdwardsPoint?] {
    guard path == .portable || encodings.count < 3 else {
      let ratios = encodings.map(ratio)
      let roots = FieldElement.squareRoots(of: ratios.map(\.u), over: ratios.map(\.v), path: path)
      return encodings.indices.map { index in
        roots[index].map {
          EdwardsPoint(root: $0, y: ratios[index].y, isNegative: encodings[index].topBit)
        }
      }
    }
    var points: [EdwardsPoint?] = []
    points.reserveCapacity(encodings.count)
    for index in stride(from: 1, to: encodings.count, by: 2) {
      let (first, second) = (encodings[index - 1], encodings[index])
      let (y0, u0, v0) = ratio(first)
      let (y1, u1, v1) = ratio(second)
      let roots = FieldElement.squareRoots(of: (u0, u1), over: (v0, v1))
      points.append(roots.0.map { .init(root: $0, y: y0, isNegative: first.topBit) })
      points.append(roots.1.map { .init(root: $0, y: y1, isNegative: second.topBit) })
    }
    if points.count < encodings.count, let last = encodings.last {
      points.append(EdwardsPoint(zip215: last))
    }
    return points
  }

  /// y, and x² = u / v = (y² - 1) / (d·y² + 1).
  ///
  /// v is never 0, since -1/d is not a square.
  private static func ratio(
    _ encoding: Encoding32
  ) -> (y: FieldElement, u: FieldElement, v: FieldElement) {
    let y = FieldElement(encoding)
    let yy = y.squared()
    return (y, yy - .one, yy * Self.d + .one)
  }

  private init(root: FieldElement, y: FieldElement, isNegative: Bool) {
    let x = root.isNegative == isNegative ? root : -root
    self.init(x: x, y: y, z: .one, t: x * y)
  }

  /// Decodes as RFC 8032, section 5.1.3, says: exactly what `encoding` writes.
  ///
  /// Variable-time.
  public init?(canonical encoding: Encoding32) {
    self.init(zip215: encoding)
    guard isNormalized(as: encoding) else { return nil }
  }

  /// Decodes each as `init(canonical:)` does, in less time.
  public static func decoded(canonical encodings: [Encoding32]) -> [EdwardsPoint?] {
    zip(encodings, decoded(zip215: encodings)).map { encoding, point in
      point.flatMap { $0.isNormalized(as: encoding) ? $0 : nil }
    }
  }

  /// Whether a point just decoded, with z = 1, is encoded so.
  private func isNormalized(as encoding: Encoding32) -> Bool {
    var words = y.encoding.words
    words.3 |= x.isNegative ? 1 &<< 63 : 0
    return Encoding32(words: words) == encoding
  }
}
