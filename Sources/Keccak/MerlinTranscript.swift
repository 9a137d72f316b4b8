/// A Merlin v1.0 transcript: turns an interactive public-coin proof into a non-interactive one.
///
/// Prover and verifier append the same messages in the same order; each challenge depends on all that
/// was appended before it, labels and lengths included. See docs/math/transcript.md.
/// Lengths are 32 bits: a message of 4 GiB or more traps.
public struct MerlinTranscript: Sendable {
  private var strobe = Strobe128(protocolLabel: "Merlin v1.0")

  /// - Parameter label: names the protocol that uses the transcript.
  public init(label: String) {
    append("dom-sep", Array(label.utf8))
  }

  /// meta-AD(label ‖ u32 length), AD(message).
  public mutating func append(_ label: String, _ message: [UInt8]) {
    message.withUnsafeBytes { append(label, $0) }
  }

  /// Appends a number as 8 bytes, little-endian.
  public mutating func append(_ label: String, _ number: UInt64) {
    withUnsafeBytes(of: number.littleEndian) { append(label, $0) }
  }

  private mutating func append(_ label: String, _ message: UnsafeRawBufferPointer) {
    strobe.metaAssociate(label)
    strobe.metaAssociate(UInt32(message.count), isMore: true)
    strobe.associate(message)
  }

  /// meta-AD(label ‖ u32 count), PRF(count).
  public mutating func challenge(_ label: String, count: Int) -> [UInt8] {
    strobe.metaAssociate(label)
    strobe.metaAssociate(UInt32(count), isMore: true)
    return strobe.squeeze(count)
  }

  /// Randomness for a prover, from the transcript so far, what it must hide, and a generator.
  ///
  /// The witness keeps the numbers unpredictable if the generator is broken, the transcript keeps
  /// them from being used in two proofs, and the generator keeps equal proofs apart.
  ///
  /// - Parameters:
  ///   - witness: the prover's secrets, each with a label.
  ///   - random: gives 32 bytes.
  /// - Returns: the randomness.
  public func random(
    witness: [(label: String, bytes: [UInt8])],
    using random: inout some RandomNumberGenerator
  ) -> TranscriptRandom {
    let entropy = (0..<4).flatMap { _ in littleEndian(random.next() as UInt64) }
    return self.random(witness: witness, entropy: entropy)
  }

  /// The same from 32 bytes that the caller drew.
  ///
  /// - Parameters:
  ///   - witness: the prover's secrets, each with a label.
  ///   - entropy: 32 bytes nobody else can guess.
  /// - Returns: the randomness.
  public func random(
    witness: [(label: String, bytes: [UInt8])],
    entropy: [UInt8]
  ) -> TranscriptRandom {
    precondition(entropy.count == 32)
    var strobe = strobe
    for (label, bytes) in witness {
      strobe.metaAssociate(label)
      strobe.metaAssociate(UInt32(bytes.count), isMore: true)
      strobe.key(bytes)
    }
    strobe.metaAssociate("rng")
    strobe.key(entropy)
    return TranscriptRandom(strobe)
  }
}

/// A prover's random bytes, tied to one place in one transcript: Merlin's `TranscriptRng`.
///
/// Its state, from which all of them follow, exists once and is overwritten when it goes.
public struct TranscriptRandom: ~Copyable, Sendable {
  private let state: State

  init(_ strobe: consuming Strobe128) { state = State(strobe) }

  /// meta-AD(u32 count), PRF(count).
  public mutating func bytes(_ count: Int) -> [UInt8] {
    state.strobe.metaAssociate(UInt32(count), isMore: false)
    return state.strobe.squeeze(count)
  }

  /// Overwrites the state; what is drawn afterwards is no secret.
  public mutating func wipe() { state.strobe.wipe() }

  /// A structure's `deinit` sees its members as constants, and so could wipe a copy only.
  ///
  /// `@unchecked Sendable`: the structure around it, which cannot be copied, has the only reference,
  /// and uses it in mutating functions only.
  private final class State: @unchecked Sendable {
    var strobe: Strobe128

    init(_ strobe: consuming Strobe128) { self.strobe = strobe }

    deinit { strobe.wipe() }
  }
}

private func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> Number(8 * $0)) }
}
