public import EdDSA
import Glibc
import Kernel
public import Service

/// A validator's key and where it is reached: `KEY@HOST:PORT`.
public struct ValidatorPlace: Hashable, Sendable, CustomStringConvertible {
  public let key: PublicKey
  public let host: HostPort

  /// The port if none is said: SPEC-009, 9.1.
  public static let standardPort: UInt16 = 7700

  public init(key: PublicKey, host: HostPort) {
    self.key = key
    self.host = host
  }

  /// Nil unless the text is 64 hexadecimal digits, `@`, and a host with or without a port.
  public init?(_ text: String) {
    guard let at = text.firstIndex(of: "@"), let bytes = Bytes32(hex: text[..<at]),
      let host = HostPort(String(text[text.index(after: at)...]), defaultPort: Self.standardPort)
    else { return nil }
    self.init(key: PublicKey(bytes), host: host)
  }

  public var description: String { "\(key)@\(host)" }
}

extension OptionType<ValidatorPlace> {
  /// `KEY@HOST:PORT`.
  public static var validatorPlace: OptionType {
    text(
      "KEY@HOST:PORT",
      parse: { text throws(ValueProblem) in
        guard let place = ValidatorPlace(text) else {
          throw ValueProblem(
            "a validator's public key, @ and where it is, for example 3b6a…da29@192.0.2.7:7700"
          )
        }
        return place
      },
      text: \.description
    )
  }
}

/// Every setting of a validator: the keys of its configuration file, each also a flag and a variable.
public enum ValidatorOptions {
  static let validator = "Validator"
  static let network = "Network"
  static let observation = "Observation"

  public static let dataDirectory = Option(
    "data_dir",
    .path,
    default: homeDirectory + "/.mesh-validator",
    group: validator,
    help: "Directory of the key, the database and config.toml"
  )
  /// Not in the file, which it names.
  public static let config = Option(
    "config",
    .optional(.path),
    default: nil,
    scope: .notInFile,
    group: validator,
    help: "Configuration file; unset for config.toml in the data directory"
  )
  public static let genesis = Option(
    "genesis",
    .optional(.path),
    default: nil,
    group: validator,
    help: "The network's genesis file; unset for genesis.mesh in the data directory"
  )
  public static let logLevel = Option(
    "log_level",
    .choice,
    default: Log.Level.info,
    group: validator,
    help: "What the log shows; SIGHUP reads it again"
  )

  public static let listenAddress = Option(
    "listen_address",
    .ipAddress,
    default: "::",
    group: network,
    help: "Address to listen at for wallets and validators; :: takes IPv4 too"
  )
  public static let listenPort = Option(
    "listen_port",
    .port,
    default: ValidatorPlace.standardPort,
    group: network,
    help: "UDP port to listen at; 0 for any free one"
  )
  public static let peers = Option(
    "peers",
    .list(of: .validatorPlace),
    default: [],
    group: network,
    help: "All validators of the network and where they are; this one may stand among them"
  )
  public static let votesPerSecond = Option(
    "votes_per_second",
    .integer(1...1_000_000),
    default: 200,
    group: network,
    help: "Requests for votes a second taken from each wallet's address; twice as many in a burst"
  )

  public static let httpPort = Option(
    "http_port",
    .port,
    default: 7780,
    group: observation,
    help: "TCP port on 127.0.0.1 of /health, /status and /metrics; 0 for any free one"
  )

  /// For scripts: a validator they started goes with them.
  public static let exitWithParent = Option(
    "exit_with_parent",
    .boolean,
    default: false,
    scope: .commandLine,
    help: "Be killed when the process that started the validator ends"
  )

  /// The configuration, in the order of its file.
  public static let all: [any DeclaredOption] = [
    dataDirectory, config, genesis, logLevel,
    listenAddress, listenPort, peers, votesPerSecond,
    httpPort,
  ]

  public static let fileName = "config.toml"

  /// The settings with those of the configuration file, if there is one, below flags and variables.
  ///
  /// - Throws: `UsageFailure` with the line for what the file has wrong; `FileFailure` if it cannot
  ///   be read, or is named and not there.
  public static func withFile(_ settings: Settings) throws -> Settings {
    let named = settings[config]
    let path = named ?? settings[dataDirectory] + "/" + fileName
    do {
      let merged = try settings.applying(
        file: try PrivateFile.read(path, bytesMax: TOML.bytesMax),
        path: path
      )
      guard named != nil || merged[dataDirectory] == settings[dataDirectory] else {
        throw UsageFailure.badFile(
          "\(path): data_dir cannot stand in the data directory's own file; name a file elsewhere "
            + "with --config"
        )
      }
      return merged
    } catch let failure as FileFailure where failure.isMissing && named == nil {
      return settings
    }
  }

  /// The file of a new validator: every default, with its meaning.
  public static var defaultFile: String {
    let inFile = all.filter { $0.declaration.key != dataDirectory.declaration.key }
    return Settings(inFile).renderConfigFile(heading: [
      "mesh-validator configuration. Every key is also a flag (--listen-port) and a variable",
      "(MESH_VALIDATOR_LISTEN_PORT); a flag goes before a variable, a variable before this file.",
    ])
  }

  private static var homeDirectory: String {
    getenv("HOME").map { String(cString: $0) } ?? "."
  }
}
