import Kernel
import SmallNano
import Testing
import Vault

@testable import SmallNanoNode

@Suite("A wallet's file") struct WalletFileTests {
  let seed = SecretBytes.random(32)
  let chain = NetworkParameters.dev.chainID

  func bytes() throws -> [UInt8] {
    let keys = try #require(DeterministicKeys(master: seed))
    var file = try WalletFile(
      sealing: seed,
      password: .text("p"),
      cost: .least,
      chain: chain,
      entries: [0, 7].map { WalletFile.Entry(index: $0, account: keys.account($0)) },
      representative: keys.account(7)
    )
    return file.encode(seed: seed)
  }

  @Test("Read back it holds the same seed, accounts and representative") func roundTrip() throws {
    let file = try WalletFile(try bytes(), chain: chain)
    #expect(file.entries.map(\.index) == [0, 7])
    #expect(file.representative == file.entries[1].account)
    #expect(try file.open(password: .text("p")) == seed)
    #expect(throws: WalletFailure.wrongPassword) { try file.open(password: .text("q")) }
    #expect(throws: WalletFailure.wrongPassword) { try file.open(password: .text("")) }
  }

  @Test("The seed does not stand in it") func encryption() throws {
    let bytes = try bytes()
    let secret = seed.withUnsafeBytes { Array($0) }
    for start in 0...(bytes.count - 8) {
      #expect(Array(bytes[start..<start + 8]) != Array(secret[..<8]))
    }
  }

  @Test("No byte can be changed, and no end be cut off") func tampering() throws {
    let bytes = try bytes()
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1
      #expect(throws: WalletFailure.self, "byte \(index)") { try WalletFile(changed, chain: chain) }
    }
    for count in 0..<bytes.count {
      #expect(throws: WalletFailure.self, "\(count) bytes") {
        try WalletFile(Array(bytes[..<count]), chain: chain)
      }
    }
  }

  @Test("A change by someone who computes the checksum anew is found with the password")
  func forgery() throws {
    let bytes = try bytes()
    var opened = 0
    for index in 42..<(bytes.count - 32) {
      var changed = Array(bytes.dropLast(32))
      changed[index] ^= 1
      changed += BLAKE2b.hash256("", changed).bytes
      // The cost is bounded, so trying what a forger wrote is safe.
      guard let file = try? WalletFile(changed, chain: chain) else { continue }
      opened += 1
      #expect(throws: WalletFailure.self, "byte \(index)") { try file.open(password: .text("p")) }
    }
    #expect(opened > 100)
  }

  @Test("A cost that a forger wrote cannot take the node's memory") func cost() throws {
    var changed = Array(try bytes().dropLast(32))
    changed[49] = 0x7f  // the top byte of the memory
    changed += BLAKE2b.hash256("", changed).bytes
    #expect(throws: WalletFailure.damaged) { try WalletFile(changed, chain: chain) }
  }

  @Test("Another network's, a newer program's and another kind of file are told apart")
  func kinds() throws {
    let bytes = try bytes()
    #expect(throws: WalletFailure.otherNetwork) {
      try WalletFile(bytes, chain: ChainID(.zero))
    }
    var newer = bytes
    newer[8] = 2
    #expect(throws: WalletFailure.newerVersion(2)) { try WalletFile(newer, chain: chain) }
    #expect(throws: WalletFailure.notAWallet) { try WalletFile(Array("{}".utf8), chain: chain) }
    #expect(throws: WalletFailure.damaged) {
      try WalletFile(Array(bytes.dropLast()), chain: chain)
    }
  }
}
