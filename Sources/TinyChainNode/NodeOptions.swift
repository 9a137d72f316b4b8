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
    scope: .notInFile,
    group: node,
    help: "TCP port of the API; 0 for any free one"
  )
  public static let address = Option(
    "address",
    .ipAddress,
    default: "127.0.0.1",
    scope: .notInFile,
    group: node,
    help: "Address the API listens at; beyond loopback, put a proxy with TLS before it"
  )
  public static let logLevel = Option(
    "log_level",
    .choice,
    default: Log.Level.info,
    scope: .notInFile,
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

  public static let all: [any DeclaredOption] = [dataDirectory, port, address, logLevel]

  private static var homeDirectory: String {
    getenv("HOME").map { String(cString: $0) } ?? "."
  }
}
