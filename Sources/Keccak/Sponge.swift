/// The sponge of FIPS 202, section 4, over Keccak-f[1600]: absorbs bytes, then squeezes as many as
/// are asked for.
struct Sponge: Sendable {
  private var state = KeccakState()
  private var position = 0
  private var isSqueezing = false

  /// Bytes absorbed or squeezed between two permutations; 200 minus twice the security in bytes.
  private let rate: Int

  /// The bits between message and padding, with the first 1 of the padding above them.
  private let suffix: UInt8

  init(rate: Int, suffix: UInt8) {
    self.rate = rate
    self.suffix = suffix
  }

  mutating func absorb(_ bytes: some Sequence<UInt8>) {
    precondition(!isSqueezing)
    for byte in bytes {
      state.xor(byte, at: position)
      position += 1
      if position == rate {
        state.permute()
        position = 0
      }
    }
  }

  mutating func wipe() { state.wipe() }

  mutating func squeeze(_ count: Int) -> [UInt8] {
    if !isSqueezing {
      state.xor(suffix, at: position)
      state.xor(0x80, at: rate - 1)
      state.permute()
      position = 0
      isSqueezing = true
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    for _ in 0..<count {
      if position == rate {
        state.permute()
        position = 0
      }
      bytes.append(state[position])
      position += 1
    }
    return bytes
  }
}
