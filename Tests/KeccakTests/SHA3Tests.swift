import Keccak
import Testing

@Suite("SHA3 and SHAKE256 of FIPS 202")
struct SHA3Tests {
  // NIST, "Cryptographic Standards and Guidelines: examples with intermediate values", messages of
  // 0 and 1600 bits, and the three letters.
  @Test(
    "NIST's examples",
    arguments: [
      (
        [UInt8](), "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
        "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6"
          + "15b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26"
      ),
      (
        Array("abc".utf8), "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
        "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
          + "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"
      ),
      (
        [UInt8](repeating: 0xa3, count: 200),
        "79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787",
        "e76dfad22084a8b1467fcf2ffa58361bec7628edf5f3fdc0e4805dc48caeeca8"
          + "1b7c13c30adf52a3659584739a2df46be589c51ca1a4a8416df6545a1ce8ba00"
      ),
    ]
  )
  func examples(message: [UInt8], digest256: String, digest512: String) {
    #expect(hex(SHA3_256.digest(of: message)) == digest256)
    #expect(hex(SHA3_512.digest(of: message)) == digest512)
  }

  @Test("NIST's examples of SHAKE256: the first and the last of 512 bytes")
  func shakeExamples() {
    var empty = SHAKE256()
    #expect(
      hex(empty.squeeze(32)) == "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"
    )
    var long = SHAKE256(absorbing: [UInt8](repeating: 0xa3, count: 200))
    #expect(
      hex(long.squeeze(512).suffix(32))
        == "6a1a9d7846436e4dca5728b6f760eef0ca92bf0be5615e96959d767197a0beeb"
    )
  }

  struct Lengths: Sendable {
    let count: Int
    let sha256: String
    let sha512: String
    let shake: String

    init(_ count: Int, _ sha256: String, _ sha512: String, _ shake: String) {
      self.count = count
      self.sha256 = sha256
      self.sha512 = sha512
      self.shake = shake
    }
  }

  // Made with OpenSSL's implementation: bytes 7i + 3 mod 256; the first 16 bytes of the digests, the
  // last 16 of 300 bytes of SHAKE256.
  @Test(
    "Messages that end about a block's edge",
    arguments: [
      Lengths(
        1,
        "e3ed56bd086d8958483a12734fa0ae7f",
        "a63f9712aadceb0fe16f1881719a8022",
        "51bf1f72317e5e5a36125031d5cb1c89"
      ),
      Lengths(
        71,
        "254f2ac1df8eae4233c0c2fe74a03331",
        "a02d5795bffd44cb0ac3cc3401ae8905",
        "c6d3416b8771613ffe3538dd5da71970"
      ),
      Lengths(
        72,
        "f4bb95e698a2c13bd27f089f3762076d",
        "2ec0da5ff440c192d33033c4257eb39d",
        "44b1f4be3f9592d7493382ddff950551"
      ),
      Lengths(
        73,
        "c610c3522f9423c2c706b1e26e532b12",
        "d26d1f9fc91b1d6c31405cc4a546f246",
        "bd55b46789adad6263437c2ecf2a978a"
      ),
      Lengths(
        135,
        "d9dcf1f98e49a79b0643a9e68fef4807",
        "9e9d81e346cf9a62dc4bda518e4096db",
        "a882794b768e2ef8edfe43f458a3f5e3"
      ),
      Lengths(
        136,
        "743bd32e775ac7387a57d4d574c89dde",
        "62c81b78426786e5a5d431082d98857c",
        "0686ed9ca88b6596d9f55e8f68ea843e"
      ),
      Lengths(
        137,
        "01d47e8d6dce6e3dcbf1baa6f845b6ac",
        "3fd9dc45a7cdc291153d7b714ad68d82",
        "467ba4894951308166705b20dc1adb48"
      ),
      Lengths(
        271,
        "20bf2d2a8b462cf03292776896386777",
        "480ca6d9416016a201981f4fcfec94ff",
        "5efde23d70fce6df769736a2cea94c29"
      ),
      Lengths(
        272,
        "ddeb5151c079739970e780e6257d0c4d",
        "441ecd94cc25b54465108dd7dcd86e26",
        "7e8c3d1d5c205ed05cd5b4adf65f8ffa"
      ),
      Lengths(
        500,
        "00feda856f27ffba753868e7cf5aa894",
        "ab952b62599d04cf807bac57350e73aa",
        "25aaa6b74cfb91a6fc4a0f97e4698fb0"
      ),
    ]
  )
  func blockEdges(_ lengths: Lengths) {
    let message = (0..<lengths.count).map { UInt8(truncatingIfNeeded: 7 * $0 + 3) }
    #expect(hex(SHA3_256.digest(of: message).prefix(16)) == lengths.sha256)
    #expect(hex(SHA3_512.digest(of: message).prefix(16)) == lengths.sha512)
    var shake = SHAKE256(absorbing: message)
    #expect(hex(shake.squeeze(300).suffix(16)) == lengths.shake)
  }

  @Test("Where a message or an output is cut into calls does not matter", arguments: 0...20)
  func pieces(step: Int) {
    let message = (0..<300).map { UInt8(truncatingIfNeeded: 7 * $0 + 3) }
    let cut = 15 * step
    var hash = SHA3_256()
    hash.absorb(message[..<cut])
    hash.absorb(message[cut...])
    #expect(hash.digest() == SHA3_256.digest(of: message))
    var whole = SHAKE256(absorbing: message)
    var parts = SHAKE256()
    parts.absorb(message[..<cut])
    parts.absorb(message[cut...])
    let joined = parts.squeeze(cut) + parts.squeeze(0) + parts.squeeze(300 - cut)
    #expect(joined == whole.squeeze(300))
  }
}

extension SHA3Tests {
  @Test("A message in lanes, in odd pieces and byte by byte is the same message")
  func lanes() {
    let message = (0..<700).map { UInt8(truncatingIfNeeded: 11 * $0 + 5) }
    let whole = SHA3_512.digest(of: message)
    for step in [1, 3, 7, 8, 9, 16, 71, 72, 73, 143] {
      var pieces = SHA3_512()
      var single = SHA3_512()
      for start in stride(from: 0, to: message.count, by: step) {
        let piece = message[start..<min(start + step, message.count)]
        pieces.absorb(piece)
        // A sequence that has no storage.
        single.absorb(piece.lazy.map { $0 })
      }
      #expect(pieces.digest() == whole)
      #expect(single.digest() == whole)
    }
  }
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef")
  return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
