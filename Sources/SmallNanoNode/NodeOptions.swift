import Glibc
import Kernel
public import Service
import SmallNano

/// Every setting of a node: the keys of its configuration file, each also a flag and a variable.
public enum NodeOptions {
  static let node = "Node"
  static let peering = "Peers"
  static let rpcGroup = "RPC"
  static let ledger = "Ledger"
  static let work = "Resources"
  static let voting = "Wallet and voting"

  /// Not in the file, which lies there.
  public static let dataDirectory = Option(
    "data_dir",
    .path,
    default: homeDirectory + "/.smallnano",
    scope: .notInFile,
    group: node,
    help: "Directory of the ledger, the keys, the wallet and config.toml"
  )
  public static let network = Option(
    "network",
    .choice,
    default: NetworkChoice.dev,
    group: node,
    help: "Network to join; main and beta need launch_file"
  )
  public static let launchFile = Option(
    "launch_file",
    .optional(.path),
    default: nil,
    group: node,
    help: "File with the network's public keys and first weights; dev needs none"
  )
  public static let logLevel = Option(
    "log_level",
    .choice,
    default: Log.Level.info,
    group: node,
    help: "What the log shows; SIGHUP reads it again"
  )

  public static let listenAddress = Option(
    "listen_address",
    .ipAddress,
    default: "::",
    group: peering,
    help: "Address to listen at for peers; :: takes IPv4 too"
  )
  public static let peeringPort = Option(
    "peering_port",
    .optional(.port),
    default: nil,
    group: peering,
    help: "TCP port for peers; 0 for any free one, unset for the network's (main 7176, dev 17176)"
  )
  public static let externalAddress = Option(
    "external_address",
    .optional(.hostPort()),
    default: nil,
    group: peering,
    help: "Address and port at which peers reach this node, if it is not the one they see"
  )
  public static let peerSeeds = Option(
    "peer_seeds",
    .list(of: .hostPort()),
    default: [],
    group: peering,
    help: "Names whose addresses are peers; looked up at start, and while the node has no peers"
  )
  public static let bootstrapPeers = Option(
    "bootstrap_peers",
    .list(of: .hostPort()),
    default: [],
    group: peering,
    help: "Peers always kept and dialled first"
  )
  public static let maxPeers = Option(
    "max_peers",
    .integer(1...500),
    default: 50,
    group: peering,
    help: "Connections to peers in all"
  )
  public static let bandwidthLimit = Option(
    "bandwidth_limit_mbps",
    .integer(1...10_000),
    default: 10,
    group: peering,
    help: "Megabits a second read from each peer"
  )

  public static let rpcAddress = Option(
    "rpc_address",
    .ipAddress,
    default: "127.0.0.1",
    group: rpcGroup,
    help: "Address of the RPC server; beyond loopback, put a proxy with TLS before it"
  )
  public static let rpcPort = Option(
    "rpc_port",
    .optional(.port),
    default: nil,
    group: rpcGroup,
    help: "TCP port of the RPC server; 0 for any free one, unset for the network's (main 7177)"
  )

  public static let maxBlocksPerAccount = Option(
    "max_blocks_per_account",
    .integer(0...1_000_000_000),
    default: 1000,
    group: ledger,
    help: "Blocks to keep of each account, 0 for all; this version does not prune yet and keeps all"
  )
  public static let maxLedgerMegabytes = Option(
    "max_ledger_mb",
    .integer(16...1_000_000),
    default: 2048,
    group: ledger,
    help: "Size of the ledger to prune to; this version does not prune yet and only warns"
  )

  public static let workThreads = Option(
    "work_threads",
    .integer(1...256),
    default: 1,
    group: work,
    help: "Threads that search proof of work"
  )
  public static let maxPendingElections = Option(
    "max_pending_elections",
    .integer(16...100_000),
    default: 5000,
    group: work,
    help: "Slots decided at one time; about 1 KB of memory each"
  )

  public static let enableVoting = Option(
    "enable_voting",
    .boolean,
    default: false,
    group: voting,
    help: "Vote with the keys of the unlocked wallet"
  )
  public static let autoReceive = Option(
    "auto_receive",
    .boolean,
    default: false,
    group: voting,
    help: "Receive confirmed payments for the unlocked wallet by itself"
  )

  /// For scripts: a node they started goes with them.
  public static let exitWithParent = Option(
    "exit_with_parent",
    .boolean,
    default: false,
    scope: .commandLine,
    help: "Be killed when the process that started the node ends"
  )

  /// The configuration, in the order of its file.
  public static let all: [any DeclaredOption] = [
    dataDirectory, network, launchFile, logLevel,
    listenAddress, peeringPort, externalAddress, peerSeeds, bootstrapPeers, maxPeers,
    bandwidthLimit,
    rpcAddress, rpcPort,
    maxBlocksPerAccount, maxLedgerMegabytes,
    workThreads, maxPendingElections,
    enableVoting, autoReceive,
  ]

  public static let fileName = "config.toml"

  /// The settings with those of the configuration file, if there is one, below flags and variables.
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

  /// The file of a first run: every default, with its meaning.
  public static var defaultFile: String {
    Settings(all).renderConfigFile(heading: [
      "smallnano configuration. Every key is also a flag (--rpc-port) and a variable",
      "(SMALLNANO_RPC_PORT); a flag goes before a variable, a variable before this file.",
      "`smallnano config check` reads this file, `smallnano config print` shows what is in force.",
    ])
  }

  private static var homeDirectory: String {
    getenv("HOME").map { String(cString: $0) } ?? "."
  }
}

/// The networks by their names in the configuration.
public enum NetworkChoice: String, CaseIterable, Sendable {
  case main, beta, dev
}
