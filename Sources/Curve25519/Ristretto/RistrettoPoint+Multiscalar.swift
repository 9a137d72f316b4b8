extension RistrettoPoint {
  public typealias Term = (scalar: Scalar, point: RistrettoPoint)

  /// Σ scalarᵢ·pointᵢ in constant time: no branch and no address depends on a scalar or a point.
  ///
  /// Straus 1964 with 64 signed digits in radix 16 for each scalar: one chain of 252 doublings for all
  /// terms, and for each a table of 8 multiples, all of which every look-up reads.
  public static func multiscalar(_ terms: [Term]) -> RistrettoPoint {
    var tables: [CachedPoint] = []
    tables.reserveCapacity(8 * terms.count)
    var digits: [Int8] = []
    digits.reserveCapacity(64 * terms.count)
    for term in terms {
      let once = term.point.point.cached
      var multiple = term.point.point
      tables.append(once)
      for _ in 1..<8 {
        multiple = multiple.adding(once).extended
        tables.append(multiple.cached)
      }
      term.scalar.appendRadix16(to: &digits)
    }
    defer { for index in digits.indices { digits[index] = 0 } }

    var sum = EdwardsPoint.identity
    for position in (0..<64).reversed() {
      if position < 63 {
        sum =
          sum.projective.doubled().projective.doubled().projective.doubled().projective.doubled()
          .extended
      }
      tables.withUnsafeBufferPointer { tables in
        for index in 0..<terms.count {
          let multiple = select(digits[64 * index + position], tables, from: 8 * index)
          sum = sum.adding(multiple).extended
        }
      }
    }
    return RistrettoPoint(sum)
  }

  /// scalar·self in constant time.
  public func multiplied(by scalar: Scalar) -> RistrettoPoint { Self.multiscalar([(scalar, self)]) }

  /// Σ onesᵢ where bit i is 1, zerosᵢ where it is 0, in constant time.
  ///
  /// - Parameters:
  ///   - bits: each 0 or 1.
  ///   - ones: as many points.
  ///   - zeros: as many points.
  /// - Returns: the sum.
  public static func sum(
    choosingBy bits: [UInt64],
    ones: [RistrettoPoint],
    zeros: [RistrettoPoint]
  ) -> RistrettoPoint {
    precondition(bits.count == ones.count)
    precondition(bits.count == zeros.count)
    var sum = EdwardsPoint.identity
    for (index, bit) in bits.enumerated() {
      let (one, zero) = (ones[index].point, zeros[index].point)
      let mask = 0 &- bit
      let chosen = EdwardsPoint(
        x: .select(mask: mask, one.x, zero.x),
        y: .select(mask: mask, one.y, zero.y),
        z: .select(mask: mask, one.z, zero.z),
        t: .select(mask: mask, one.t, zero.t)
      )
      sum = sum + chosen
    }
    return RistrettoPoint(sum)
  }

  /// Σ scalarᵢ·pointᵢ in variable time: for public inputs only.
  public static func multiscalarVartime(_ terms: [Term]) -> RistrettoPoint {
    RistrettoPoint(
      EdwardsPoint.multiscalarVartime(terms.map { ($0.scalar, $0.point.point) })
    )
  }

  /// digit·P for -8...8 from the table P, 2P … 8P, reading all of it.
  @inline(__always)
  private static func select(
    _ digit: Int8,
    _ tables: UnsafeBufferPointer<CachedPoint>,
    from first: Int
  ) -> CachedPoint {
    let sign = UInt64(bitPattern: Int64(digit) &>> 63)  // all ones if negative
    let magnitude = (UInt64(bitPattern: Int64(digit)) ^ sign) &- sign
    var chosen = CachedPoint(yPlusX: .one, yMinusX: .one, twiceZ: .one + .one, twiceDT: .zero)
    for multiple in 1...8 {
      let difference = magnitude ^ UInt64(multiple)
      let mask = ((difference | (0 &- difference)) &>> 63) &- 1  // all ones if equal
      let entry = tables[first + multiple - 1]
      chosen = CachedPoint(
        yPlusX: .select(mask: mask, entry.yPlusX, chosen.yPlusX),
        yMinusX: .select(mask: mask, entry.yMinusX, chosen.yMinusX),
        twiceZ: .select(mask: mask, entry.twiceZ, chosen.twiceZ),
        twiceDT: .select(mask: mask, entry.twiceDT, chosen.twiceDT)
      )
    }
    return CachedPoint(
      yPlusX: .select(mask: sign, chosen.yMinusX, chosen.yPlusX),
      yMinusX: .select(mask: sign, chosen.yPlusX, chosen.yMinusX),
      twiceZ: chosen.twiceZ,
      twiceDT: .select(mask: sign, -chosen.twiceDT, chosen.twiceDT)
    )
  }
}

extension Scalar {
  /// Appends 64 digits, lowest first, with self = Σ digitᵢ·16ⁱ and -8 ≤ digit ≤ 8, in constant time.
  fileprivate func appendRadix16(to digits: inout [Int8]) {
    var carry: Int8 = 0
    for word in [words.0, words.1, words.2, words.3] {
      for nibble in 0..<16 {
        let digit = Int8(truncatingIfNeeded: word &>> UInt64(4 * nibble) & 15) &+ carry
        carry = (digit &+ 8) &>> 4
        digits.append(digit &- carry &<< 4)
      }
    }
    // A scalar is below 2^253: the last digit is at most 2, and no carry is left.
  }
}
