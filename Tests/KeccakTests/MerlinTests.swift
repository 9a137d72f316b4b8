import Keccak
import Testing

@Suite("Merlin transcripts")
struct MerlinTests {
  // The two transcripts of the `merlin` crate's equivalence tests, with the challenges that it and
  // the independent Go implementation (github.com/gtank/merlin) give.
  @Test("The simple transcript that implementations compare")
  func simple() {
    var transcript = MerlinTranscript(label: "test protocol")
    transcript.append("some label", Array("some data".utf8))
    #expect(
      hex(transcript.challenge("challenge", count: 32))
        == "d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615"
    )
  }

  @Test("The long transcript that implementations compare")
  func long() {
    var transcript = MerlinTranscript(label: "test protocol")
    transcript.append("step1", Array("some data".utf8))
    let data = [UInt8](repeating: 99, count: 1024)
    var challenge: [UInt8] = []
    for _ in 0..<32 {
      challenge = transcript.challenge("challenge", count: 32)
      transcript.append("bigdata", data)
      transcript.append("challengedata", challenge)
    }
    #expect(hex(challenge) == "a8c933f54fae76e3f9bea93648c1308e7dfa2152dd51674ff3ca438351cf003c")
  }

  @Test("A label, a message, their border, their order and a length asked for all count")
  func everythingCounts() {
    func challenge(
      protocol name: String = "p",
      _ appended: [(String, String)],
      label: String = "c",
      count: Int = 32
    ) -> [UInt8] {
      var transcript = MerlinTranscript(label: name)
      for (label, message) in appended { transcript.append(label, Array(message.utf8)) }
      return Array(transcript.challenge(label, count: count).prefix(32))
    }
    let challenges = [
      challenge([("ab", "cd"), ("e", "f")]),
      challenge(protocol: "q", [("ab", "cd"), ("e", "f")]),
      challenge([("abc", "d"), ("e", "f")]),
      challenge([("ab", "cde"), ("e", "f")]),
      challenge([("ab", "cd"), ("f", "f")]),
      challenge([("e", "f"), ("ab", "cd")]),
      challenge([("ab", "cd")]),
      challenge([("ab", "cd"), ("e", "f")], label: "d"),
      challenge([("ab", "cd"), ("e", "f")], count: 33),
    ]
    #expect(Set(challenges).count == challenges.count)
    #expect(challenges[0] == challenge([("ab", "cd"), ("e", "f")]))
  }

  @Test("A number is appended as its 8 bytes, little-endian")
  func numbers() {
    var a = MerlinTranscript(label: "p")
    var b = a
    a.append("n", 0x0102_0304_0506_0708)
    b.append("n", [8, 7, 6, 5, 4, 3, 2, 1])
    #expect(a.challenge("c", count: 8) == b.challenge("c", count: 8))
  }

  @Test("A prover's randomness depends on transcript, witness and entropy, and repeats with them")
  func randomness() {
    func draw(_ message: String, _ witness: [UInt8], _ entropy: UInt8) -> [UInt8] {
      var transcript = MerlinTranscript(label: "p")
      transcript.append("m", Array(message.utf8))
      let entropy = [UInt8](repeating: entropy, count: 32)
      var random = transcript.random(witness: [("w", witness)], entropy: entropy)
      return random.bytes(32) + random.bytes(32)
    }
    let draws = [
      draw("a", [1], 0), draw("b", [1], 0), draw("a", [2], 0), draw("a", [1, 0], 0),
      draw("a", [1], 1),
    ]
    #expect(Set(draws).count == draws.count)
    #expect(draws[0] == draw("a", [1], 0))
    #expect(draws[0].prefix(32) != draws[0].suffix(32))
  }

  @Test("Drawing randomness leaves the transcript as it was")
  func randomnessIsApart() {
    var transcript = MerlinTranscript(label: "p")
    var untouched = transcript
    var random = transcript.random(witness: [("w", [1])], entropy: [UInt8](repeating: 0, count: 32))
    _ = random.bytes(64)
    #expect(transcript.challenge("c", count: 32) == untouched.challenge("c", count: 32))
  }

  @Test("Wiped randomness forgets transcript, witness and entropy")
  func wiped() {
    func draw(_ message: String, _ witness: [UInt8], _ entropy: UInt8) -> [UInt8] {
      var transcript = MerlinTranscript(label: "p")
      transcript.append("m", Array(message.utf8))
      let entropy = [UInt8](repeating: entropy, count: 32)
      var random = transcript.random(witness: [("w", witness)], entropy: entropy)
      _ = random.bytes(Int(witness[0]))
      random.wipe()
      return random.bytes(64)
    }
    #expect(draw("a", [1, 2, 3], 4) == draw("b", [5], 6))
  }
}
