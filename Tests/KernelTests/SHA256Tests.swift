import Testing

@testable import Kernel

@Suite("SHA-256")
struct SHA256Tests {
  @Test("The examples of FIPS 180-4, and a doubled hash")
  func vectors() {
    #expect(
      SHA256.hash([]).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    #expect(
      SHA256.hash(Array("abc".utf8)).hex
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    #expect(
      SHA256.double(Array("hello".utf8)).hex
        == "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"
    )
  }

  @Test("Instructions and libsodium agree on every length up to four blocks, and on long ones")
  func paths() {
    var random = SplitMix64(seed: 256)
    for length in Array(0...260) + [1000, 4095, 4096, 65_537] {
      let bytes: [UInt8] = (0..<length).map { _ in .random(in: 0...255, using: &random) }
      let expected = SHA256.bySodium(bytes)
      #expect(SHA256.hash(bytes) == expected)
      #expect(SHA256.double(bytes) == SHA256.bySodium(expected.bytes))
      if let digest = SHA256.byInstructionsIfAny(bytes) { #expect(digest == expected) }
    }
  }

  @Test("What a tree's nodes are made of hashes as the bytes one after another")
  func nodes() {
    var random = SplitMix64(seed: 257)
    func bytes(_ count: Int) -> [UInt8] {
      (0..<count).map { _ in .random(in: 0...255, using: &random) }
    }
    for length in [0, 1, 17, 22, 23, 31, 32, 86, 87, 4096] {
      let (left, right, rest) = (SHA256.hash(bytes(1)), SHA256.hash(bytes(2)), bytes(length))
      #expect(SHA256.hash(7, left, rest) == SHA256.bySodium([7] + left.bytes + rest))
      let whole = [7, UInt8(length & 255)] + left.bytes + right.bytes
      #expect(SHA256.hash(7, UInt8(length & 255), left, right) == SHA256.bySodium(whole))
    }
  }

  @Test("A million times the letter a, as FIPS 180-2 has it")
  func million() {
    let hex = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    #expect(SHA256.hash([UInt8](repeating: 0x61, count: 1_000_000)).hex == hex)
  }
}
