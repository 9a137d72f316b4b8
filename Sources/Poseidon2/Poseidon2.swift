public import Kernel

/// Poseidon2 over KoalaBear, width 16: a hash that is cheap to prove.
///
/// Grassi, Khovratovich, Schofnegger, 2023/323, with the parameters of Plonky3's
/// `default_koalabear_poseidon2_16`: S-box x^3, 4 + 4 external and 20 internal rounds, its matrices
/// and its constants. Vectors: Tests/Vectors/poseidon2.
public enum Poseidon2 {
  public typealias State = InlineArray<16, KoalaBear>

  /// Elements that one permutation absorbs; the other 8 are the capacity, 248 bits.
  public static let rate = 8

  /// The permutation: a linear layer, four external rounds, twenty internal, four external.
  public static func permute(_ state: inout State) {
    let constants = RoundConstants.shared
    mixExternally(&state)
    for round in 0..<4 { roundExternally(&state, constants.initial[round]) }
    for round in 0..<20 { roundInternally(&state, constants.inner[round]) }
    for round in 0..<4 { roundExternally(&state, constants.final[round]) }
  }

  @inline(__always)
  private static func roundExternally(_ state: inout State, _ constants: State) {
    for index in 0..<16 { state[index] = (state[index] + constants[index]).cubed }
    mixExternally(&state)
  }

  @inline(__always)
  private static func roundInternally(_ state: inout State, _ constant: KoalaBear) {
    state[0] = (state[0] + constant).cubed
    mixInternally(&state)
  }

  /// circ(2M, M, M, M) of 4 by 4 blocks, M = circ(2, 3, 1, 1).
  @inline(__always)
  private static func mixExternally(_ state: inout State) {
    for block in 0..<4 {
      let (a, b) = (state[4 * block], state[4 * block + 1])
      let (c, d) = (state[4 * block + 2], state[4 * block + 3])
      let (ab, cd) = (a + b, c + d)
      let (withB, withD) = (ab + cd + b, ab + cd + d)
      state[4 * block] = withB + ab
      state[4 * block + 1] = withB + c.doubled
      state[4 * block + 2] = withD + cd
      state[4 * block + 3] = withD + a.doubled
    }
    for column in 0..<4 {
      let sum = state[column] + state[column + 4] + state[column + 8] + state[column + 12]
      for row in 0..<4 { state[column + 4 * row] = state[column + 4 * row] + sum }
    }
  }

  /// The matrix of ones plus a diagonal.
  ///
  /// The diagonal is -2, 1, 2, 1/2, 3, 4, -1/2, -3, -4, 2^-8, 2^-3, 2^-24, -2^-8, -2^-3, -2^-4,
  /// -2^-24.
  @inline(__always)
  private static func mixInternally(_ x: inout State) {
    // All but the first, as a tree: the others need not wait for its cube.
    let (a, b) = (x[8] + (x[1] + x[9]), (x[2] + x[10]) + (x[3] + x[11]))
    let (c, d) = ((x[4] + x[12]) + (x[5] + x[13]), (x[6] + x[14]) + (x[7] + x[15]))
    let others = (a + b) + (c + d)
    let sum = others + x[0]
    x[0] = others - x[0]
    x[1] = sum + x[1]
    x[2] = sum + x[2].doubled
    x[3] = sum + x[3].divided(byTwoToThe: 1)
    x[4] = sum + x[4].doubled + x[4]
    x[5] = sum + x[5].doubled.doubled
    x[6] = sum - x[6].divided(byTwoToThe: 1)
    x[7] = sum - (x[7].doubled + x[7])
    x[8] = sum - x[8].doubled.doubled
    x[9] = sum + x[9].divided(byTwoToThe: 8)
    x[10] = sum + x[10].divided(byTwoToThe: 3)
    x[11] = sum + x[11].divided(byTwoToThe: 24)
    x[12] = sum - x[12].divided(byTwoToThe: 8)
    x[13] = sum - x[13].divided(byTwoToThe: 3)
    x[14] = sum - x[14].divided(byTwoToThe: 4)
    x[15] = sum - x[15].divided(byTwoToThe: 24)
  }
}

// The hash of bytes: a sponge that overwrites.
extension Poseidon2 {
  /// Bytes in one element: 3, so that every limb is below p.
  public static let limb = 3

  /// The hash of `bytes`, a whole number of limbs.
  ///
  /// The elements are the bytes three by three, little-endian, then 1, then zeros up to a whole number
  /// of blocks of 8. Each block overwrites the first 8 of a state that starts as zeros, and the
  /// permutation follows (Plonky3's `PaddingFreeSponge` of the padded elements). The digest is the
  /// first 8 elements at the end, 31 bits each, the first highest: 248 bits, times 2^8, as 32 bytes
  /// big-endian.
  public static func hash(_ bytes: [UInt8]) -> Bytes32 {
    let whole = bytes.count / (rate * limb) * (rate * limb)
    return digest(permuting: padded(bytes[whole...], onto: absorbing(blocks: bytes[..<whole])))
  }

  /// The state after whole blocks of 24 bytes: what headers that differ at their end have in common.
  package static func absorbing(blocks bytes: ArraySlice<UInt8>) -> State {
    precondition(bytes.count % (rate * limb) == 0)
    var state = State(repeating: .zero)
    for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: rate * limb) {
      for index in 0..<rate { state[index] = element(at: start + index * limb, of: bytes) }
      permute(&state)
    }
    return state
  }

  /// That state with the rest of the message in it, less than a block, and the padding.
  package static func padded(_ bytes: ArraySlice<UInt8>, onto state: State) -> State {
    precondition(bytes.count % limb == 0)
    let limbs = bytes.count / limb
    precondition(limbs < rate)
    var state = state
    for index in 0..<limbs {
      state[index] = element(at: bytes.startIndex + index * limb, of: bytes)
    }
    state[limbs] = KoalaBear(1)
    for index in limbs + 1..<rate { state[index] = .zero }
    return state
  }

  /// The hash of a message that is `state` when all of it is in.
  package static func digest(permuting state: State) -> Bytes32 {
    var state = state
    permute(&state)
    return digest(of: state)
  }

  private static func element(at start: Int, of bytes: ArraySlice<UInt8>) -> KoalaBear {
    KoalaBear(
      UInt32(bytes[start]) | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2]) << 16
    )
  }

  /// The first 8 elements as a number of 248 bits, times 2^8, big-endian.
  private static func digest(of state: State) -> Bytes32 {
    func value(_ index: Int) -> UInt128 { UInt128(state[index].value) }
    let high = value(0) << 97 | value(1) << 66 | value(2) << 35 | value(3) << 4 | value(4) >> 27
    let low = value(4) << 101 | value(5) << 70 | value(6) << 39 | value(7) << 8
    func word(_ bits: UInt128) -> UInt64 { UInt64(truncatingIfNeeded: bits).byteSwapped }
    return Bytes32(words: (word(high >> 64), word(high), word(low >> 64), word(low)))
  }
}
