import Kernel

/// How long it takes to find a block: drawn, not tried out, and by whole numbers alone.
enum Hashing {
  /// A draw from the exponential distribution, in units of 2^-24 of its mean.
  ///
  /// -ln(u), as log2 bit by bit: the square of a number in [1, 2) tells the next bit of its logarithm.
  static func exponential(using random: inout SplitMix64) -> UInt64 {
    let number = random.next() | 1
    let zeros = number.leadingZeroBitCount
    var (mantissa, fraction) = (number << zeros, UInt64(0))
    for _ in 0..<24 {
      let square = mantissa.multipliedFullWidth(by: mantissa)
      let isTwo = square.high >> 63 == 1
      fraction = fraction << 1 | (isTwo ? 1 : 0)
      mantissa = isTwo ? square.high : square.high << 1 | square.low >> 63
    }
    let log2 = UInt64(zeros + 1) << 24 - fraction
    return UInt64((UInt128(log2) * 11_629_080) >> 24)  // ln 2 in these units
  }

  /// Nanoseconds until one of so many hashes a second is found that takes `work` hashes on average.
  static func time(of work: UInt64, at rate: UInt64, using random: inout SplitMix64) -> UInt64 {
    let hashes = (UInt128(work) * UInt128(exponential(using: &random))) >> 24
    return UInt64(clamping: hashes * 1_000_000_000 / UInt128(rate))
  }
}
