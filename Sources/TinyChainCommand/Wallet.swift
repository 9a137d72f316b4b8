import Kernel
import Secp256k1
import Service
import TinyChain
import TinyChainNode
import Vault

/// The accounts of the data directory, and what their names stand for.
struct Wallet {
  private let call: Invocation
  let keystore: Keystore?

  init(_ call: Invocation) throws {
    self.call = call
    keystore = try Keystore(path: Self.path(call))
  }

  /// Whether addresses are those of the main network.
  var isMain: Bool { call[NodeOptions.network] == .main }

  static func path(_ call: Invocation) -> String { call[NodeOptions.dataDirectory] + "/keystore" }

  // MARK: Accounts

  /// The account that a name or address means.
  func address(_ text: String) throws -> Address {
    if text == "faucet" { return NetworkParameters.faucet }
    if let entry = keystore?[text] { return entry.address }
    guard !text.isEmpty, let address = Address(written: text, isMain: isMain) else {
      throw wrong("\(text) is no address, and no account of the wallet")
    }
    return address
  }

  /// The key that signs: of --from, or of the wallet's only account.
  func signer() throws -> ECDSASecretKey {
    let name: String
    if let from = call[ClientOptions.from] {
      name = from
    } else if let only = keystore?.entries.first, keystore?.entries.count == 1 {
      name = only.name
    } else {
      throw wrong("say which account pays, with --from")
    }
    if name == "faucet" { return NetworkParameters.faucetKey }
    guard let keystore, keystore[name] != nil else {
      throw CommandFailure("\(KeystoreFailure.unknownName(name)); see tinychain wallet new")
    }
    var password = Array(try SecretInput().password(call).utf8)
    return try keystore.secretKey(of: name, password: SecretBytes(wiping: &password))
  }

  // MARK: Messages

  /// Lisp text with `@name` and `@ttiny1…` written as the machine reads addresses.
  func lisp(_ text: String) throws -> Datum {
    do throws(LispFailure) {
      return try Reader.datum(AddressNames.resolved(text) { name in try? address(name) })
    } catch {
      throw wrong("\(text) is no Lisp: \(error)")
    }
  }

  /// What a contract is told, as `MessageText` has it.
  func message(_ text: String) throws -> [UInt8] {
    do throws(MessageText.Failure) {
      return try MessageText.bytes(of: text) { name in try? address(name) }
    } catch {
      throw wrong("\(error)")
    }
  }
}
