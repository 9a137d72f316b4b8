import EdDSA
import Kernel
import Testing

@testable import SmallNano

@Suite("Addresses and keys")
struct AddressTests {
  private static let alphabet = Array("13456789abcdefghijkmnopqrstuwxyz")

  private func account(_ hex: String) throws -> Account {
    Account(try #require(Bytes32(hex: hex)))
  }

  private func masterKeys(_ seed: Bytes32) throws -> DeterministicKeys {
    var bytes = seed.bytes
    return try #require(DeterministicKeys(master: SecretBytes(wiping: &bytes)))
  }

  @Test("The published vectors")
  func vectors() throws {
    let zero = "smn_1111111111111111111111111111111111111111111111111111jbo1utwb"
    #expect(Account.burn.address == zero)
    #expect(try Account(address: zero) == .burn)
    let keys = try masterKeys(.zero)
    #expect(
      keys.account(0)
        == (try account("0da05cb4199ca74791fb9c51f7007b671106869d98829405134c09d7be5dca2f"))
    )
    #expect(
      keys.account(0).address
        == "smn_15f1dkt3m979ayazq94jyw19psrj1t5bu864ki4j8m1btyz7ukjhcmzw6rsc"
    )
    #expect(
      keys.account(1)
        == (try account("5b0284c1c4da49551929a64358c1c0a00ef0fb2d117c2368c2f68da25d99057d"))
    )
  }

  @Test("The dev network's genesis account is child 0 of its published seed")
  func devGenesis() throws {
    let keys = try masterKeys(NetworkParameters.devGenesisSeed)
    #expect(keys.account(0) == NetworkParameters.dev.genesisAccount)
    #expect(keys.key(0).publicKey == NetworkParameters.dev.epochKey)
  }

  @Test("A child seed is the one its key is made of, and each index has another")
  func childSeeds() throws {
    let keys = try masterKeys(Bytes32(words: (1, 2, 3, 4)))
    let seed = keys.childSeed(7)
    #expect(seed.count == 32)
    #expect(SecretKey(seed: seed)?.publicKey == keys.key(7).publicKey)
    #expect(Set((0..<20).map { keys.account($0) }).count == 20)
    var short = [UInt8](repeating: 0, count: 31)
    #expect(DeterministicKeys(master: SecretBytes(wiping: &short)) == nil)
  }

  @Test("Random accounts come back from their addresses")
  func roundTrip() throws {
    var random = SplitMix64(seed: 1)
    for _ in 0..<500 {
      let account = Account(randomBytes32(&random))
      #expect(account.address.utf8.count == 64)
      #expect(try Account(address: account.address) == account)
    }
    let full = Account(Bytes32(words: (.max, .max, .max, .max)))
    #expect(try Account(address: full.address) == full)
  }

  @Test("Every change of one character is refused")
  func changedCharacter() throws {
    var random = SplitMix64(seed: 2)
    for _ in 0..<4 {
      let address = Array(Account(randomBytes32(&random)).address)
      var accepted: [String] = []
      for index in address.indices {
        for character in Self.alphabet + ["0", "2", "l", "v", "A", " ", "é"]
        where character != address[index] {
          var changed = address
          changed[index] = character
          if (try? Account(address: String(changed))) != nil { accepted.append(String(changed)) }
        }
      }
      #expect(accepted.isEmpty)
    }
  }

  @Test("Two neighbours exchanged are refused")
  func exchangedCharacters() {
    var random = SplitMix64(seed: 3)
    let address = Array(Account(randomBytes32(&random)).address)
    for index in address.indices.dropLast() where address[index] != address[index + 1] {
      var changed = address
      changed.swapAt(index, index + 1)
      #expect((try? Account(address: String(changed))) == nil)
    }
  }

  @Test("Of the sixteen spellings that the padding bits allow, one is read")
  func padding() throws {
    var random = SplitMix64(seed: 4)
    var characters = Array(Account(randomBytes32(&random)).address)
    let first = try #require(Self.alphabet.firstIndex(of: characters[4]))
    #expect(first < 2)
    for pad in 1..<16 {
      characters[4] = Self.alphabet[first + 2 * pad]
      #expect(throws: AddressFailure.paddingNotZero) {
        _ = try Account(address: String(characters))
      }
    }
  }

  @Test("What is wrong is named")
  func failures() {
    let good = Account.burn.address
    let cases: [(String, AddressFailure)] = [
      ("", .wrongPrefix),
      ("nano_" + good.dropFirst(4), .wrongPrefix),
      (String(good.dropLast()), .wrongLength(63)),
      (good + "1", .wrongLength(65)),
      (good.replacing("smn_1", with: "smn_0"), .unknownCharacter("0")),
      (good.dropLast() + "c", .wrongChecksum),
    ]
    for (text, failure) in cases {
      #expect(throws: failure) { _ = try Account(address: text) }
    }
  }
}
