/// The round constants, from the generator that the paper names, so that nobody chose them.
///
/// The Grain LFSR of the Poseidon paper (Grassi and others, 2019/458, appendix F) with field type 1,
/// S-box x^a, 31 bits, width 16, 8 external and 20 internal rounds: Plonky3's
/// `poseidon2/generate_constants.py --field koalabear --width 16` gives the same.
package struct RoundConstants: Sendable {
  /// One constant for each element.
  typealias External = InlineArray<4, InlineArray<16, KoalaBear>>

  /// In the four rounds before the internal ones.
  let initial: External
  /// For the first element alone.
  let inner: InlineArray<20, KoalaBear>
  /// In the four rounds after.
  let final: External

  package static let shared = RoundConstants()

  /// In the order of their use, in Montgomery form.
  package var words: [UInt32] {
    func all(_ rounds: External) -> [UInt32] {
      (0..<4).flatMap { round in (0..<16).map { rounds[round][$0].montgomery } }
    }
    return all(initial) + (0..<20).map { inner[$0].montgomery } + all(final)
  }

  private init() {
    var generator = GrainLFSR()
    func external() -> External {
      External { _ in InlineArray { _ in generator.next() } }
    }
    initial = external()
    inner = InlineArray { _ in generator.next() }
    final = external()
  }
}

/// A shift register of 80 bits, the oldest first, in its self-shrinking mode.
private struct GrainLFSR {
  /// The oldest bit is the lowest.
  private var bits: UInt128 = 0

  init() {
    var width = 0
    func append(_ value: UInt128, bits count: Int) {
      for index in (0..<count).reversed() {
        bits |= (value >> UInt128(index) & 1) << UInt128(width)
        width += 1
      }
    }
    append(1, bits: 2)  // a prime field
    append(0, bits: 4)  // the S-box is a power
    append(31, bits: 12)  // of an element
    append(16, bits: 12)  // elements
    append(8, bits: 10)  // external rounds
    append(20, bits: 10)  // internal rounds
    append((1 << 30) - 1, bits: 30)
    for _ in 0..<160 { _ = step() }
  }

  private mutating func step() -> UInt32 {
    let new = [0, 13, 23, 38, 51, 62].reduce(UInt128(0)) { $0 ^ bits >> UInt128($1) } & 1
    bits = bits >> 1 | new << 79
    return UInt32(new)
  }

  /// Of each two bits, the second if the first is 1.
  private mutating func bit() -> UInt32 {
    while true {
      let isTaken = step() == 1
      let bit = step()
      if isTaken { return bit }
    }
  }

  /// 31 bits, the highest first, until they are below p.
  mutating func next() -> KoalaBear {
    while true {
      let value = (0..<31).reduce(UInt32(0)) { value, _ in value << 1 | bit() }
      if value < KoalaBear.modulus { return KoalaBear(value) }
    }
  }
}
