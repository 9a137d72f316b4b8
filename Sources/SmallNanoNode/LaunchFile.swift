import EdDSA
import Kernel
import Service
public import SmallNano

/// What the main and beta networks start from: public keys, and the weights a fresh node tallies
/// with until its own ledger can tell.
///
/// The dev network starts without one, and takes one for its weights: the money may have left genesis,
/// and then a fresh ledger, in which only genesis has weight, can confirm nothing.
///
/// ```toml
/// network = "main"
/// genesis_account = "smn_…"
/// epoch_key = "64 hexadecimal digits"
/// confirmed_blocks = 250000      # the weights below count until so many are confirmed
///
/// [weights]                      # raw
/// smn_… = "1500000000000000000000000000000"
/// ```
public struct LaunchFile: Sendable {
  public let parameters: NetworkParameters

  /// 4,000 representatives; those of 0.01 % of the supply are 10,000 at most and few in truth.
  public static let bytesMax = 1 << 19

  /// Reads a whole file.
  ///
  /// - Throws: `LaunchFileFailure` with the line, for a key that is unknown, missing or wrong.
  public init(parsing bytes: [UInt8], for network: Network) throws(LaunchFileFailure) {
    let toml: TOML
    do {
      toml = try TOML(parsing: bytes)
    } catch {
      throw LaunchFileFailure(line: error.line, reason: error.reason)
    }
    try Self.checkKeys(of: toml)
    let name = try Self.text("network", in: toml)
    guard name.text == network.name else {
      throw LaunchFileFailure(
        line: name.line,
        reason: "this is the launch file of '\(name.text)', not of '\(network.name)'"
      )
    }
    let genesis = try Self.account(try Self.text("genesis_account", in: toml))
    let epoch = try Self.text("epoch_key", in: toml)
    guard let epochKey = Bytes32(hex: epoch.text) else {
      throw LaunchFileFailure(line: epoch.line, reason: "epoch_key is 64 hexadecimal digits")
    }
    var parameters =
      network == .dev
      ? try Self.dev(genesis, PublicKey(epochKey))
      : Self.launched(network, genesis, PublicKey(epochKey))
    parameters.bootstrap = try Self.weights(in: toml, supply: parameters.supply)
    self.parameters = parameters
  }

  private static func launched(
    _ network: Network,
    _ genesis: Account,
    _ epochKey: PublicKey
  ) -> NetworkParameters {
    NetworkParameters(
      network: network,
      genesisAccount: genesis,
      epochKey: epochKey,
      supply: NetworkParameters.fullSupply,
      workThresholds: .full,
      minimumBalance: Amount(raw: Amount.rawPerSMN / 100),
      // 67 % of 75 % is more than half: two halves of a split network never both reach it.
      quorumFloorPercent: 75,
      peeringPort: network == .main ? 7176 : 27176,
      rpcPort: network == .main ? 7177 : 27177
    )
  }

  /// The dev network is known: its file brings the weights alone.
  private static func dev(
    _ genesis: Account,
    _ epochKey: PublicKey
  ) throws(LaunchFileFailure) -> NetworkParameters {
    guard genesis == NetworkParameters.dev.genesisAccount,
      epochKey == NetworkParameters.dev.epochKey
    else {
      throw LaunchFileFailure(line: 1, reason: "these are not the keys of the dev network")
    }
    return .dev
  }

  private static let keys = ["network", "genesis_account", "epoch_key", "confirmed_blocks"]

  private static func checkKeys(of toml: TOML) throws(LaunchFileFailure) {
    for header in toml.headers where header.table != ["weights"] {
      throw LaunchFileFailure(line: header.line, reason: "the only table here is [weights]")
    }
    for entry in toml.entries where entry.table.isEmpty && !keys.contains(entry.key) {
      throw LaunchFileFailure(line: entry.line, reason: "unknown key '\(entry.key)'")
    }
  }

  private static func text(
    _ key: String,
    in toml: TOML
  ) throws(LaunchFileFailure) -> (text: String, line: Int) {
    guard let entry = toml.entries.first(where: { $0.table.isEmpty && $0.key == key }) else {
      throw LaunchFileFailure(line: 1, reason: "\(key) is missing")
    }
    guard case .string(let text) = entry.value.content else {
      throw LaunchFileFailure(line: entry.line, reason: "\(key) is a text in quotes")
    }
    return (text, entry.line)
  }

  private static func account(
    _ address: (text: String, line: Int)
  ) throws(LaunchFileFailure) -> Account {
    do {
      return try Account(address: address.text)
    } catch {
      throw LaunchFileFailure(line: address.line, reason: "\(error)")
    }
  }

  private static func weights(
    in toml: TOML,
    supply: Amount
  ) throws(LaunchFileFailure) -> BootstrapWeights {
    guard
      let count = toml.entries.first(where: { $0.table.isEmpty && $0.key == "confirmed_blocks" })
    else { throw LaunchFileFailure(line: 1, reason: "confirmed_blocks is missing") }
    guard case .integer(let number) = count.value.content, let confirmed = UInt64(exactly: number)
    else { throw LaunchFileFailure(line: count.line, reason: "confirmed_blocks is a whole number") }
    var weights: [Account: Amount] = [:]
    var sum = Amount.zero
    for entry in toml.entries where entry.table == ["weights"] {
      let account = try account((entry.key, entry.line))
      guard case .string(let text) = entry.value.content, let weight = Amount(rawText: text),
        let total = sum.adding(weight), total <= supply
      else {
        throw LaunchFileFailure(
          line: entry.line,
          reason: "a weight is a text of raw, and all of them together at most the supply"
        )
      }
      sum = total
      weights[account] = weight
    }
    return BootstrapWeights(confirmedBlocks: confirmed, weights: weights)
  }
}

/// What is wrong with a launch file, and where.
public struct LaunchFileFailure: Error, Hashable, CustomStringConvertible {
  public let line: Int
  public let reason: String

  public var description: String { "\(line): \(reason)" }
}
