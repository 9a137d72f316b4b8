import Kernel
import Testing

@testable import Vault

@Suite("Mnemonics") struct MnemonicTests {
  /// The 256-bit vectors of BIP-39's reference implementation.
  static let vectors: [(seed: String, words: String)] = [
    (
      "0000000000000000000000000000000000000000000000000000000000000000",
      """
      abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
      abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
      abandon art
      """
    ),
    (
      "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
      """
      legal winner thank year wave sausage worth useful legal winner thank year wave sausage \
      worth useful legal winner thank year wave sausage worth title
      """
    ),
    (
      "8080808080808080808080808080808080808080808080808080808080808080",
      """
      letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount \
      doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless
      """
    ),
    (
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      """
      zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo \
      vote
      """
    ),
    (
      "00ac97c48106f0aeb8ba061e0250a559b3251dc35854e694780ba51d53a50120",
      """
      absent gorilla van acoustic humor firm title dolphin bulk barely citizen recall crane moment \
      aspect appear track phrase actual enforce steel spoon afraid benefit
      """
    ),
    (
      "3edc83b60740d77af3afa2fcb82c2f1bc541ee4e2518ddef4996d32453f54a3c",
      """
      disagree tomato unique attend aspect runway solid violin witness scrap armed daring favorite \
      warm decade perfect target kid grant play early wide cigar night
      """
    ),
    (
      "89bb4bc5555992cdaf3444c5e7ca5a6e9f27efab894f1990bae41be8b2a26ea4",
      """
      meadow surge vanish primary odor grocery rubber mass shine dinner notable tag venue water \
      purchase clarify book magic ribbon daughter menu eye ritual orchard
      """
    ),
    (
      "911fec0fbd88029f6fa99164896c18d898c9232af18bdcca3e42d53b86493104",
      """
      much youth advance kitchen lens exile salt cram goose enter alert raise milk muscle profit \
      cousin system faint mouse price reveal cause series long
      """
    ),
  ]

  @Test("A seed gives the published words and they give it back", arguments: vectors)
  func vector(seed: String, words: String) throws {
    var bytes = try #require([UInt8](hex: seed))
    let secret = SecretBytes(wiping: &bytes)
    #expect(Mnemonic.words(of: secret) == words.split(separator: " ").map(String.init))
    #expect(try Mnemonic.seed(of: words) == secret)
    #expect(
      try Mnemonic.seed(of: "  " + words.split(separator: " ").joined(separator: "\n")) == secret
    )
  }

  @Test("Random seeds come back") func roundTrip() throws {
    for _ in 0..<100 {
      let seed = SecretBytes.random(32)
      #expect(try Mnemonic.seed(of: Mnemonic.words(of: seed).joined(separator: " ")) == seed)
    }
  }

  @Test("A slip is named, with what the word may have been") func slips() throws {
    var words = Self.vectors[4].words.split(separator: " ").map(String.init)
    #expect(throws: MnemonicFailure.wrongCount(23)) {
      try Mnemonic.seed(of: words.dropLast().joined(separator: " "))
    }
    words[1] = "gorila"
    #expect(throws: MnemonicFailure.unknownWord("gorila", place: 2, suggestion: "gorilla")) {
      try Mnemonic.seed(of: words.joined(separator: " "))
    }
    words[1] = "Gorilla"
    #expect(throws: MnemonicFailure.self) { try Mnemonic.seed(of: words.joined(separator: " ")) }
    words[1] = "good"
    #expect(throws: MnemonicFailure.wrongChecksum) {
      try Mnemonic.seed(of: words.joined(separator: " "))
    }
  }

  @Test("The list is the standard one: 2048 words in order, told apart by four letters")
  func list() {
    #expect(MnemonicWords.all.count == 2048)
    #expect(MnemonicWords.all.map(String.init) == MnemonicWords.all.map(String.init).sorted())
    #expect(Set(MnemonicWords.all.map { $0.prefix(4) }).count == 2048)
    for (index, word) in MnemonicWords.all.enumerated() {
      #expect(MnemonicWords.index(of: word) == index)
    }
    #expect(MnemonicWords.index(of: "") == nil)
    #expect(MnemonicWords.index(of: "zoology") == nil)
  }
}
