import Glibc
public import MeshNode
public import Service

/// Every setting of a wallet: the keys of wallet.toml, each also a flag and a variable.
public enum WalletOptions {
  static let network = "Network"
  static let wallet = "Wallet"

  /// Not in the file, which lies there.
  public static let dataDirectory = Option(
    "data_dir",
    .path,
    default: homeDirectory + "/.mesh-wallet",
    scope: .notInFile,
    group: wallet,
    help: "Directory of wallet.toml, the keys and the wallet's state"
  )
  public static let genesis = Option(
    "genesis",
    .path,
    default: "genesis.mesh",
    group: network,
    help: "The network's genesis file; a path in wallet.toml starts at the data directory"
  )
  public static let validators = Option(
    "validators",
    .list(of: .validatorPlace),
    default: [],
    group: network,
    help: "All validators of the network and where they are, as in their own files"
  )
  public static let timeout = Option(
    "timeout",
    .duration(.seconds(1) ... .seconds(3600)),
    default: .seconds(15),
    group: network,
    help: "How long a command waits for the validators"
  )
  public static let agentTimeout = Option(
    "agent_timeout",
    .duration(.seconds(1) ... .seconds(7 * 86_400)),
    default: .seconds(900),
    group: wallet,
    help: "How long `unlock` keeps the wallet unlocked"
  )
  public static let argonMemory = Option(
    "argon2_memory_mb",
    .integer(8...1024 as ClosedRange<UInt32>),
    default: 256,
    group: wallet,
    help: "Memory that trying a password takes, for wallets made from now on"
  )
  /// A variable only: a flag's value is seen by every user of the machine.
  public static let password = Option<String?>(
    "password",
    .optional(.string("TEXT")),
    default: nil,
    scope: .notInFile,
    group: wallet,
    help: "The password, as a variable only"
  )
  public static let logLevel = Option(
    "log_level",
    .choice,
    default: Log.Level.error,
    group: wallet,
    help: "What is logged on standard error, beside what a command prints"
  )

  /// The configuration, in the order of its file.
  public static let all: [any DeclaredOption] = [
    genesis, validators, timeout, dataDirectory, agentTimeout, argonMemory, password, logLevel,
  ]

  public static let fileName = "wallet.toml"
  public static let heading = [
    "mesh-wallet configuration. Every key is also a flag (--agent-timeout) and a variable",
    "(MESH_WALLET_AGENT_TIMEOUT); a flag goes before a variable, a variable before this file.",
  ]

  /// The settings with those of wallet.toml, if there is one, below flags and variables.
  ///
  /// - Throws: `UsageFailure` with the line for what the file has wrong; `FileFailure` if it cannot
  ///   be read.
  public static func withFile(_ settings: Settings) throws -> Settings {
    let path = settings[dataDirectory] + "/" + fileName
    do {
      return try settings.applying(
        file: try PrivateFile.read(path, bytesMax: TOML.bytesMax),
        path: path
      )
    } catch let failure as FileFailure where failure.isMissing {
      return settings
    }
  }

  private static var homeDirectory: String {
    getenv("HOME").map { String(cString: $0) } ?? "."
  }
}
