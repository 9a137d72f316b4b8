import Curve25519
import Keccak

extension MerlinTranscript {
  /// Appends the statement.
  ///
  /// The labels are those of the audited implementation `tari_bulletproofs_plus`, which calls the
  /// value base H and the blinding base G.
  mutating func appendStatement(_ commitments: Commitments) {
    append("dom-sep", Array("Bulletproofs+ Range Proof".utf8))
    append("H", encodedValueBase.bytes)
    append("G", encodedBlindingBase.bytes)
    append("N", UInt64(RangeProof.bits))
    append("T", 1)
    append("M", UInt64(commitments.count))
    for point in commitments.points { append("Ci", point.encoding.bytes) }
    for _ in commitments.points { append("vi - minimum_value", 0) }
  }

  mutating func append(_ label: String, _ point: EncodedPoint) {
    append(label, point.encoding.bytes)
  }

  /// 64 bytes modulo ℓ.
  ///
  /// - Throws: `zeroChallenge`.
  mutating func challengeScalar(_ label: String) throws(RangeProofFailure) -> Scalar {
    let scalar = Scalar(wide: challenge(label, count: 64))
    guard !scalar.isZero else { throw .zeroChallenge }
    return scalar
  }
}

extension TranscriptRandom {
  /// 64 bytes modulo ℓ, drawn again if that is 0.
  mutating func scalar() -> Scalar {
    while true {
      var bytes = bytes(64)
      defer { bytes.wipe() }
      let scalar = Scalar(wide: bytes)
      // Says no more of it than that a chance of 2^-252 has not come true.
      if !disclosed(scalar.isZero) { return scalar }
    }
  }
}

extension Scalar {
  /// 64 bytes, little-endian, modulo ℓ.
  init(wide bytes: [UInt8]) {
    precondition(bytes.count == 64)
    // Straight from the bytes: slices would be copies of what may be secret.
    func encoding(_ first: Int) -> Encoding32 {
      func word(_ first: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[first + $1]) &<< UInt64(8 * $1) }
      }
      return Encoding32(words: (word(first), word(first + 8), word(first + 16), word(first + 24)))
    }
    self.init(reducing: encoding(0), encoding(32))
  }

  /// self, self², … self^count.
  func powers(_ count: Int) -> [Scalar] {
    var powers: [Scalar] = []
    powers.reserveCapacity(count)
    var power = self
    for _ in 0..<count {
      powers.append(power)
      power = power * self
    }
    return powers
  }

  /// d_{64j+i} = z^{2(j+1)}·2^i, for z this scalar.
  func bitWeights(values: Int) -> [Scalar] {
    (self * self).powers(values).flatMap { square in
      var weight = square
      return (0..<RangeProof.bits).map { _ in
        defer { weight = weight + weight }
        return weight
      }
    }
  }
}

private let encodedValueBase = Pedersen.valueBase.encoding
private let encodedBlindingBase = Pedersen.blindingBase.encoding
