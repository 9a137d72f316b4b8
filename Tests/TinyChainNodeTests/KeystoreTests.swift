import Kernel
import Secp256k1
import Testing
import TinyChain
import Vault

@testable import TinyChainNode

@Suite("The keystore")
struct KeystoreTests {
  private func password(_ text: String) -> SecretBytes {
    var bytes = Array(text.utf8)
    return SecretBytes(wiping: &bytes)
  }

  /// A file with two accounts.
  private func file() throws -> (bytes: [UInt8], entries: [Keystore.Entry]) {
    let place = try Place()
    defer { place.remove() }
    var keystore = Keystore(cost: .least)
    _ = try keystore.add("alice", password: password("a"))
    _ = try keystore.add("bob", password: password("a"))
    let path = place.path + "/keystore"
    try keystore.write(to: path)
    #expect(try Keystore(path: path)?.entries == keystore.entries)
    return (try place.read("keystore"), keystore.entries)
  }

  @Test("Each account's key comes back, with the password and no other")
  func keys() throws {
    let (bytes, entries) = try file()
    let keystore = try Keystore(bytes)
    for entry in entries {
      let key = try keystore.secretKey(of: entry.name, password: password("a"))
      #expect(Address(key.publicKey) == entry.address)
    }
    #expect(throws: KeystoreFailure.wrongPassword) {
      try keystore.secretKey(of: "alice", password: password("b"))
    }
    #expect(throws: KeystoreFailure.unknownName("carol")) {
      try keystore.secretKey(of: "carol", password: password("a"))
    }
  }

  @Test("A later account needs the password of the first, and a name of its own")
  func adding() throws {
    var keystore = try Keystore(try file().bytes)
    #expect(throws: KeystoreFailure.wrongPassword) {
      try keystore.add("carol", password: password("b"))
    }
    #expect(throws: KeystoreFailure.nameTaken("bob")) {
      try keystore.add("bob", password: password("a"))
    }
    for name in ["", "Alice", "1a", "a b", String(repeating: "a", count: 33), "é"] {
      #expect(throws: KeystoreFailure.badName) {
        try keystore.add(name, password: password("a"))
      }
    }
  }

  @Test("No changed byte goes unnoticed, and none traps")
  func changedBytes() throws {
    let (bytes, entries) = try file()
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1
      // The cost stands in the file, so a changed one could take its time.
      let isCost = (62..<70).contains(index)
      guard !isCost, let keystore = try? Keystore(changed) else { continue }
      for entry in keystore.entries {
        let key = try? keystore.secretKey(of: entry.name, password: password("a"))
        #expect(key == nil, "byte \(index)")
      }
    }
    #expect(entries.count == 2)
    for count in 0..<bytes.count {
      #expect(throws: KeystoreFailure.self) { try Keystore(Array(bytes[..<count])) }
    }
  }
}
