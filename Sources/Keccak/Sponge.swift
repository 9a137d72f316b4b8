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
    // Through an iterator that another module brings, a byte would cost more than its share of the
    // permutation.
    let isDone: Void? = bytes.withContiguousStorageIfAvailable {
      absorb(contiguous: UnsafeRawBufferPointer($0))
    }
    guard isDone == nil else { return }
    for byte in bytes {
      state.xor(byte, at: position)
      advance(by: 1)
    }
  }

  private mutating func absorb(contiguous bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = rest.prefix(rate - position)
      state.xor(UnsafeRawBufferPointer(rebasing: piece), at: position)
      advance(by: piece.count)
      rest = rest.dropFirst(piece.count)
    }
  }

  private mutating func advance(by count: Int) {
    position += count
    if position == rate {
      state.permute()
      position = 0
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
