/// The part of STROBE v1.0.2 at 128-bit security that Merlin uses: AD, meta-AD, PRF and KEY.
///
/// Sources: Hamburg 2017, "The STROBE protocol framework", sections 3 to 5; "Merlin transcripts",
/// section "Strobe". There is no transport, so the role never matters.
struct Strobe128: Sendable {
  /// R: 200 minus twice 16 bytes, minus 2 for the framing that `permute` adds.
  static let rate = 166

  private enum Flag {
    static let inbound: UInt8 = 1
    static let application: UInt8 = 2
    static let cipher: UInt8 = 4
    static let meta: UInt8 = 16
  }

  private var state = KeccakState()
  private var position = 0

  /// One more than where the operation under way began; 0 if it began in an earlier block.
  private var begin: UInt8 = 0

  init(protocolLabel: String) {
    for (index, byte) in ([1, UInt8(Self.rate + 2), 1, 0, 1, 96] + Array("STROBEv1.0.2".utf8))
      .enumerated()
    {
      state[index] = byte
    }
    state.permute()
    metaAssociate(protocolLabel)
  }

  /// Meta-AD: frames what follows.
  mutating func metaAssociate(_ label: String) {
    beginOperation(Flag.meta | Flag.application)
    var label = label
    label.withUTF8 { absorb(UnsafeRawBufferPointer($0)) }
  }

  /// More of the same operation, or a new one: a number of 32 bits, little-endian.
  mutating func metaAssociate(_ number: UInt32, isMore: Bool) {
    if !isMore { beginOperation(Flag.meta | Flag.application) }
    withUnsafeBytes(of: number.littleEndian) { absorb($0) }
  }

  /// AD: absorbs data both sides know.
  mutating func associate(_ bytes: UnsafeRawBufferPointer) {
    beginOperation(Flag.application)
    absorb(bytes)
  }

  /// PRF: bytes that depend on all that went before; the state forgets them.
  mutating func squeeze(_ count: Int) -> [UInt8] {
    beginOperation(Flag.inbound | Flag.application | Flag.cipher)
    return [UInt8](unsafeUninitializedCapacity: count) { bytes, written in
      var rest = UnsafeMutableRawBufferPointer(bytes)[..<count]
      while !rest.isEmpty {
        let piece = UnsafeMutableRawBufferPointer(rebasing: rest.prefix(Self.rate - position))
        state.copy(to: piece, from: position)
        // What was given out is forgotten.
        state.xor(UnsafeRawBufferPointer(piece), at: position)
        advance(by: piece.count)
        rest = rest.dropFirst(piece.count)
      }
      written = count
    }
  }

  /// KEY: overwrites state by a secret, so that what stood there cannot be recomputed.
  mutating func key(_ bytes: [UInt8]) {
    beginOperation(Flag.application | Flag.cipher)
    for byte in bytes {
      state[position] = byte
      advance(by: 1)
    }
  }

  /// Overwrites the state, and where in it an operation stood.
  mutating func wipe() {
    state.wipe()
    position = 0
    begin = 0
  }

  private mutating func beginOperation(_ flags: UInt8) {
    let previous = begin
    begin = UInt8(position + 1)
    absorb(previous)
    absorb(flags)
    // Operations that read or replace state start at a block's beginning.
    if flags & Flag.cipher != 0, position != 0 { permute() }
  }

  private mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = rest.prefix(Self.rate - position)
      state.xor(UnsafeRawBufferPointer(rebasing: piece), at: position)
      advance(by: piece.count)
      rest = rest.dropFirst(piece.count)
    }
  }

  private mutating func absorb(_ byte: UInt8) {
    state.xor(byte, at: position)
    advance(by: 1)
  }

  private mutating func advance(by count: Int) {
    position += count
    if position == Self.rate { permute() }
  }

  private mutating func permute() {
    state.xor(begin, at: position)
    state.xor(0x04, at: position + 1)
    state.xor(0x80, at: Self.rate + 1)
    state.permute()
    position = 0
    begin = 0
  }
}
