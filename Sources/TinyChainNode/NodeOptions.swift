import Glibc
public import Service

/// Settings of a node and of what talks to it; each is a flag and a variable.
public enum NodeOptions {
  private static let node = "Node"

  public static let dataDirectory = Option(
    "data_dir",
    .path,
    default: homeDirectory + "/.tinychain",
    scope: .notInFile,
    group: node,
    help: "Directory of the chain and the wallet"
  )
  public static let port = Option<UInt16>(
    "port",
    .port,
    default: 5100,
    group: node,
    help: "TCP port of the API and of peers; 0 for any free one"
  )
  public static let address = Option(
    "address",
    .ipAddress,
    default: "127.0.0.1",
    group: node,
    help: "Address to listen at; beyond loopback it is for peers, as the API answers only own names"
  )
  public static let logLevel = Option(
    "log_level",
    .choice,
    default: Log.Level.info,
    group: node,
    help: "What the log shows"
  )

  /// For scripts: a node they started goes with them.
  public static let exitWithParent = Option(
    "exit_with_parent",
    .boolean,
    default: false,
    scope: .commandLine,
    group: node,
    help: "End when the process that started this one ends"
  )

  /// What `tinychain dev` takes.
  public static let dev: [any DeclaredOption] = [dataDirectory, port, address, logLevel]

  // MARK: A node among others

  public static let network = Option(
    "network",
    .choice,
    default: NetworkChoice.dev,
    group: networkGroup,
    help: "Network to join; main needs launch_file"
  )
  public static let launchFile = Option<String?>(
    "launch_file",
    .optional(.path),
    default: nil,
    group: networkGroup,
    help: "File with what the network starts from; dev and provable need none"
  )
  public static let peers = Option<[HostPort]>(
    "peers",
    .list(of: .hostPort(defaultPort: 5100)),
    default: [],
    group: networkGroup,
    help: "Nodes to call always, HOST:PORT; others are learned from them"
  )
  public static let maxPeers = Option(
    "max_peers",
    .integer(1...500),
    default: 64,
    group: networkGroup,
    help: "Nodes to talk with in all"
  )
  public static let mine = Option(
    "mine",
    .boolean,
    default: false,
    group: miningGroup,
    help: "Search for blocks"
  )
  public static let mineTo = Option<String?>(
    "mine_to",
    .optional(.string("ADDRESS")),
    default: nil,
    group: miningGroup,
    help: "Who gets what blocks bring; unset for the wallet's first account, on dev the faucet"
  )
  public static let mineThreads = Option(
    "mine_threads",
    .integer(1...256),
    default: 1,
    group: miningGroup,
    help: "Threads that search; they give way to all else"
  )

  private static let networkGroup = "Network"
  private static let miningGroup = "Mining"

  /// The configuration, in the order of its file.
  public static let all: [any DeclaredOption] =
    dev + [network, launchFile, peers, maxPeers, mine, mineTo, mineThreads]

  public static let fileName = "config.toml"

  /// The settings with those of the configuration file, if there is one, below flags and variables.
  ///
  /// - Throws: `UsageFailure` with the line for what the file has wrong; `FileFailure` if it cannot
  ///   be read.
  public static func withFile(_ settings: Settings, in directory: String) throws -> Settings {
    let path = directory + "/" + fileName
    do {
      let file = try PrivateFile.read(path, bytesMax: TOML.bytesMax)
      return try settings.applying(file: file, path: path)
    } catch let failure as FileFailure where failure.isMissing {
      return settings
    }
  }

  /// The file of a first run: every default, with its meaning.
  public static var defaultFile: String {
    Settings(all).renderConfigFile(heading: [
      "Configuration of tinychain node run. Every key is also a flag (--mine-to) and a variable",
      "(TINYCHAIN_MINE_TO); a flag goes before a variable, a variable before this file.",
    ])
  }

  private static var homeDirectory: String {
    getenv("HOME").map { String(cString: $0) } ?? "."
  }
}

/// The networks by their names in the configuration.
public enum NetworkChoice: String, CaseIterable, Sendable {
  case main, dev, provable
}
