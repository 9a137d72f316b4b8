import EdDSA
public import Kernel

/// Where to pay to: an account with its view key, on one network.
///
/// Bech32m (BIP-350, without its limit of 90 characters) over
/// `u8 1 ‖ suite ‖ account 32 ‖ view key 32 ‖ the first 4 bytes of the network id`:
/// 70 bytes are 112 digits without padding. A bare public key cannot be paid to: the amount is hidden
/// for the view key; and the network's bytes keep test money from a real address.
public struct Address: Hashable, Sendable, CustomStringConvertible {
  public let account: AccountID
  public let suite: Suite
  public let viewKey: Bytes32
  public let prefix: String
  /// The first bytes of the network id.
  let network: [UInt8]

  private static let payloadSize = 70

  public init(
    account: AccountID,
    suite: Suite = .ed25519,
    viewKey: Bytes32,
    genesis: Genesis
  ) {
    self.account = account
    self.suite = suite
    self.viewKey = viewKey
    prefix = genesis.addressPrefix
    network = Array(genesis.id.bytes.bytes.prefix(4))
  }

  /// Reads an address of one network.
  ///
  /// - Throws: `AddressFailure`, which says what is wrong.
  public init(_ text: some StringProtocol, on genesis: Genesis) throws(AddressFailure) {
    let payload: (prefix: String, bytes: [UInt8])
    do {
      payload = try Bech32m.payload(
        of: Array(text.utf8),
        prefixes: ["mesh", "tmesh"],
        size: Self.payloadSize
      )
    } catch {
      throw AddressFailure(error)
    }
    let bytes = payload.bytes
    guard bytes[0] == 1 else { throw .unknownVersion(bytes[0]) }
    guard let suite = Suite(rawValue: bytes[1]), suite == .ed25519 else {
      throw .unknownSuite(bytes[1])
    }
    guard let account = Bytes32(bytes[2..<34]), let viewKey = Bytes32(bytes[34..<66]) else {
      throw .wrongLength(text.utf8.count)
    }
    self.init(account: AccountID(account), suite: suite, viewKey: viewKey, genesis: genesis)
    guard payload.prefix == prefix, Array(bytes[66...]) == network else { throw .otherNetwork }
    guard self.account.key.isInPrimeSubgroup else { throw .unacceptableKey }
  }

  public var description: String {
    Bech32m.text(
      prefix: prefix,
      payload: [1, suite.rawValue] + account.bytes.bytes + viewKey.bytes + network
    )
  }
}

/// Why a text is not an address of this network.
public enum AddressFailure: Error, Hashable, Sendable, CustomStringConvertible {
  case wrongPrefix
  case wrongLength(Int)
  case mixedCase
  case unknownCharacter(Character)
  case wrongChecksum
  case unknownVersion(UInt8)
  case unknownSuite(UInt8)
  case otherNetwork
  /// The account's key is not one that can sign.
  case unacceptableKey

  init(_ failure: Bech32mFailure) {
    switch failure {
    case .wrongPrefix: self = .wrongPrefix
    case .wrongLength(let count): self = .wrongLength(count)
    case .mixedCase: self = .mixedCase
    case .unknownCharacter(let character): self = .unknownCharacter(character)
    case .wrongChecksum: self = .wrongChecksum
    }
  }

  public var description: String {
    switch self {
    case .wrongPrefix: "an address starts with mesh1 or tmesh1"
    case .wrongLength(let count): "no address has \(count) characters"
    case .mixedCase: "an address is in lower case or in upper case, not in both"
    case .unknownCharacter(let character):
      "an address has no character \(String(character).debugDescription)"
    case .wrongChecksum: "the checksum does not match: look for a mistyped character"
    case .unknownVersion(let version): "this is an address of version \(version)"
    case .unknownSuite(let suite): "this is an address of suite \(suite), which cannot be paid yet"
    case .otherNetwork: "this is an address of another network"
    case .unacceptableKey: "nobody could sign for this account"
    }
  }
}
