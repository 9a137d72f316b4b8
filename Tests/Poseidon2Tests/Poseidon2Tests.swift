import Kernel
import Testing

@testable import Poseidon2

@Suite("Poseidon2 over KoalaBear, width 16")
struct Poseidon2Tests {
  let vectors = Poseidon2Vectors.shared

  private func state(_ values: some Sequence<UInt64>) -> Poseidon2.State {
    let values = Array(values)
    return Poseidon2.State { KoalaBear(UInt32(values[$0])) }
  }

  private func values(_ state: Poseidon2.State) -> [UInt32] { (0..<16).map { state[$0].value } }

  @Test("The permutation is the public reference's")
  func knownAnswer() {
    var state = state(vectors.input.map(UInt64.init))
    Poseidon2.permute(&state)
    #expect(values(state) == vectors.output)
  }

  @Test("The generator gives the constants that the reference lists")
  func constants() {
    let constants = RoundConstants.shared
    #expect((0..<4).map { values(constants.initial[$0]) } == vectors.initial)
    #expect((0..<20).map { constants.inner[$0].value } == vectors.inner)
    #expect((0..<4).map { values(constants.final[$0]) } == vectors.final)
  }

  @Test("It is the paper's, matrices written out, on any state")
  func matrices() {
    let plain = PlainPoseidon2()
    #expect(plain.permute(vectors.input.map(UInt64.init)) == vectors.output.map(UInt64.init))
    var random = SplitMix64(seed: 2)
    let top = UInt64(KoalaBear.modulus) - 1
    var inputs = [[UInt64](repeating: 0, count: 16), [UInt64](repeating: top, count: 16)]
    for _ in 0..<50 { inputs.append((0..<16).map { _ in .random(in: 0...top, using: &random) }) }
    for input in inputs {
      var state = state(input)
      Poseidon2.permute(&state)
      #expect(values(state).map(UInt64.init) == plain.permute(input))
    }
  }

  @Test("The hash is the sponge over limbs of 3 bytes, then 1, then zeros", arguments: 0...65)
  func sponge(limbs: Int) throws {
    var random = SplitMix64(seed: UInt64(limbs))
    var bytes: [UInt8] = (0..<3 * limbs).map { _ in .random(in: 0...255, using: &random) }
    if limbs > 2 { bytes.replaceSubrange(3..<6, with: [255, 255, 255]) }
    var elements = stride(from: 0, to: bytes.count, by: 3).map { start -> UInt64 in
      bytes[start..<start + 3].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    elements.append(1)
    while elements.count % 8 != 0 { elements.append(0) }
    // 8 · 31 bits as text, cut into bytes.
    let bits = PlainPoseidon2().digest(elements).map { element -> String in
      let digits = String(element, radix: 2)
      return String(repeating: "0", count: 31 - digits.count) + digits
    }
    let text = Array(bits.joined() + "00000000")
    let expected = stride(from: 0, to: 256, by: 8).map { start -> UInt8 in
      UInt8(String(text[start..<start + 8]), radix: 2) ?? 0
    }
    #expect(Poseidon2.hash(bytes).bytes == expected)
  }

  @Test("Zeros at the end change the hash")
  func padding() {
    let hashes = (0...9).map { Poseidon2.hash([UInt8](repeating: 0, count: 3 * $0)) }
    #expect(Set(hashes).count == hashes.count)
    #expect(Poseidon2.hash([1, 0, 0]) != Poseidon2.hash([]))
  }

  @Test("One bit of a header changes about half of the digest's 248 bits, and never its last byte")
  func avalanche() {
    let header = (0..<180).map { UInt8($0) }
    let digest = Poseidon2.hash(header).bytes
    var changed = 0
    for bit in stride(from: 0, to: 1440, by: 15) {
      var other = header
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      let bytes = Poseidon2.hash(other).bytes
      #expect(bytes[31] == 0)
      changed += zip(bytes, digest).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
    }
    // 96 digests of 248 fair coins: 11,904 ± 77.
    #expect((11_500...12_300).contains(changed))
  }
}
