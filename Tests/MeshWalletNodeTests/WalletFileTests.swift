import Kernel
import Mesh
import TestSupport
import Testing
import Vault

@testable import MeshWalletNode

@Suite("A wallet's key file") struct MeshWalletFileTests {
  let seed: SecretBytes = .random(32)

  /// The account that grows from the seed.
  private func owner() throws -> AccountKeys { try #require(MasterSeed(seed)).account(0) }

  private func file(_ contents: WalletFile.Contents) throws -> WalletFile {
    let keys = try owner()
    let password = SecretBytes.text("p")
    switch contents {
    case .seed: return try WalletFile(seed: seed, password: password, cost: .least)
    case .income:
      let view = WalletKeys.income(keys.account, keys.view.incoming)
      return try WalletFile(watching: view, password: password, cost: .least)
    case .full:
      let view = WalletKeys.full(keys.account, keys.view)
      return try WalletFile(watching: view, password: password, cost: .least)
    }
  }

  static let kinds: [WalletFile.Contents] = [.seed, .income, .full]

  @Test("Read back it opens to the same keys, with the password alone", arguments: kinds)
  func roundTrip(contents: WalletFile.Contents) throws {
    let made = try file(contents)
    #expect(made.encoded.count <= WalletFile.bytesMax)
    let read = try WalletFile(made.encoded)
    #expect(read.encoded == made.encoded)
    #expect(read.account == (try owner().account))
    #expect(read.isWatchOnly == (contents != .seed))
    let opened = try read.open(password: .text("p"))
    #expect(opened.account == (try owner().account))
    #expect(opened.incoming.exported == (try owner().view.incoming.exported))
    #expect(
      (opened.full?.exportedOwner == (try owner().view.exportedOwner)) == (contents != .income)
    )
    #expect((opened.spending != nil) == (contents == .seed))
    #expect(throws: WalletProblem.self) { try read.open(password: .text("q")) }
    #expect(throws: WalletProblem.self) { try read.open(password: .text("")) }
  }

  @Test("No secret stands in it", arguments: kinds)
  func encryption(contents: WalletFile.Contents) throws {
    let bytes = try file(contents).encoded
    let secrets = [seed, try owner().view.incoming.exported, try owner().view.exportedOwner]
    for secret in secrets.map({ $0.withUnsafeBytes { Array($0.prefix(8)) } }) {
      for start in 0...(bytes.count - 8) { #expect(Array(bytes[start..<start + 8]) != secret) }
    }
  }

  @Test("No byte can be changed, and no end be cut off", arguments: kinds)
  func tampering(contents: WalletFile.Contents) throws {
    let bytes = try file(contents).encoded
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1
      #expect(throws: WalletProblem.self, "byte \(index)") { try WalletFile(changed) }
    }
    for count in 0..<bytes.count {
      #expect(throws: WalletProblem.self, "\(count) bytes") {
        try WalletFile(Array(bytes[..<count]))
      }
    }
  }

  @Test("A change by someone who computes the checksum anew is found with the password")
  func forgery() throws {
    let bytes = try file(.seed).encoded
    var opened = 0
    for index in 10..<(bytes.count - 32) {
      var changed = Array(bytes.dropLast(32))
      changed[index] ^= 1
      changed += BLAKE2b.hash256("", changed).bytes
      // The cost is bounded, so trying what a forger wrote is safe.
      guard let file = try? WalletFile(changed) else { continue }
      opened += 1
      #expect(throws: WalletProblem.self, "byte \(index)") { try file.open(password: .text("p")) }
    }
    #expect(opened > 100)
  }

  @Test("A cost that a forger wrote cannot take the machine's memory") func cost() throws {
    var changed = Array(try file(.seed).encoded.dropLast(32))
    changed[82] = 0x7f  // the top byte of the memory
    changed += BLAKE2b.hash256("", changed).bytes
    #expect(problem { try WalletFile(changed) } == .walletDamaged)
  }

  @Test("A newer program's and another kind of file are told apart") func others() throws {
    var newer = try file(.seed).encoded
    newer[8] = 2
    #expect(problem { try WalletFile(newer) } == .walletNewer)
    #expect(problem { try WalletFile(Array("{}".utf8)) } == .notAWallet)
  }

  @Test("A directory takes one wallet, and shows it to its owner alone") func directory() throws {
    let place = TemporaryDirectory()
    #expect(problem { try WalletDirectory.read(in: place.path) } == .noWallet)
    try WalletDirectory.write(try file(.seed), in: place.path, isFresh: true)
    #expect(try WalletDirectory.read(in: place.path).account == (try owner().account))
    #expect(
      problem { try WalletDirectory.write(file(.full), in: place.path, isFresh: false) }
        == .walletExists
    )
    #expect(place.mode(of: "wallet.key") == 0o600)
  }
}

@Suite("Text for terminals") struct TerminalTextTests {
  @Test("What others wrote does not command a terminal") func terminal() {
    #expect("a\u{1b}[2Jb\nc\u{202e}d\u{7}".terminalSafe == "a\\u{1b}[2Jb\\u{a}c\\u{202e}d\\u{7}")
    #expect("Miete für Mai, 五月 👍".terminalSafe == "Miete für Mai, 五月 👍")
  }
}
