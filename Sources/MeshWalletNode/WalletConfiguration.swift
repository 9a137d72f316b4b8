public import Mesh
import MeshNode
public import Service

/// Where a wallet lies and whom it talks to, checked as a whole.
public struct WalletConfiguration: Sendable {
  public let directory: String
  public let genesis: Genesis
  /// By their places in the genesis; may lack some.
  public let validators: [ValidatorIndex: HostPort]
  public let timeout: Duration

  public init(
    directory: String,
    genesis: Genesis,
    validators: [ValidatorIndex: HostPort],
    timeout: Duration
  ) {
    self.directory = directory
    self.genesis = genesis
    self.validators = validators
    self.timeout = timeout
  }

  /// Reads what the settings name.
  ///
  /// - Parameters:
  ///   - settings: with those of wallet.toml.
  ///   - needsValidators: whether validators will be asked.
  /// - Throws: `WalletProblem` if something is missing or does not fit, else `FileFailure`.
  public init(_ settings: Settings, needsValidators: Bool = true) throws {
    let genesis = try Self.genesis(settings)
    let places: [ValidatorIndex: HostPort]
    do throws(ValidatorFailure) {
      places = try ValidatorConfiguration.places(settings[WalletOptions.validators], in: genesis)
    } catch {
      throw WalletProblem(
        .notConfigured,
        "\(settings.source(of: WalletOptions.validators)): \(error)"
      )
    }
    if needsValidators, places.count < genesis.validators.quorum {
      throw WalletProblem(
        .notConfigured,
        "\(places.count) validators are configured and \(genesis.validators.quorum) are needed: run "
          + "mesh-wallet init --genesis FILE --validators KEY@HOST:PORT,…"
      )
    }
    self.init(
      directory: settings[WalletOptions.dataDirectory],
      genesis: genesis,
      validators: places,
      timeout: settings[WalletOptions.timeout]
    )
  }

  /// The genesis that the settings name.
  public static func genesis(_ settings: Settings) throws -> Genesis {
    try readGenesis(genesisPath(settings))
  }

  /// Whether there is a genesis file at all.
  public static func hasGenesis(_ settings: Settings) -> Bool {
    PrivateFile.size(genesisPath(settings)) != nil
  }

  private static func genesisPath(_ settings: Settings) -> String {
    let path = settings[WalletOptions.genesis]
    switch settings.source(of: WalletOptions.genesis) {
    case .standard, .file:
      return path.hasPrefix("/") ? path : settings[WalletOptions.dataDirectory] + "/" + path
    case .flag, .environment: return path
    }
  }

  /// Reads a genesis file and checks all its rules.
  public static func readGenesis(_ path: String) throws -> Genesis {
    let bytes: [UInt8]
    do throws(FileFailure) {
      bytes = try PrivateFile.read(path, bytesMax: Genesis.bytesMax)
    } catch {
      guard error.isMissing else { throw error }
      throw WalletProblem(
        .notConfigured,
        "there is no genesis at \(path): run mesh-wallet init --genesis FILE, or give --genesis FILE"
      )
    }
    do throws(GenesisFailure) {
      return try Genesis(encoded: bytes)
    } catch {
      throw WalletProblem(.notConfigured, "\(path) is no genesis: \(error)")
    }
  }

  // MARK: Files

  public var socketPath: String { Self.socketPath(in: directory) }
  var statePath: String { Self.statePath(in: directory) }

  public static func keyPath(in directory: String) -> String { directory + "/wallet.key" }
  static func statePath(in directory: String) -> String { directory + "/wallet.db" }
  public static func socketPath(in directory: String) -> String { directory + "/agent.sock" }
}

/// The file of a wallet's keys in its directory.
public enum WalletDirectory {
  /// Writes the keys of a new wallet, and for keys made just now also their state.
  ///
  /// - Parameters:
  ///   - file: the sealed keys.
  ///   - directory: made if need be, for its owner alone.
  ///   - isFresh: whether the keys were made just now, and so have never signed anything.
  /// - Throws: `WalletProblem.walletExists` before anything is touched if there are keys.
  public static func write(_ file: WalletFile, in directory: String, isFresh: Bool) throws {
    let lock = try DataDirectory(directory)
    defer { withExtendedLifetime(lock) {} }
    let path = WalletConfiguration.keyPath(in: directory)
    let state = WalletConfiguration.statePath(in: directory)
    for existing in [path, state] where PrivateFile.size(existing) != nil {
      throw WalletProblem(
        .walletExists,
        "there is a wallet at \(existing): move it away, or give another --data-dir"
      )
    }
    try PrivateFile.write(file.encoded, to: path)
    // Should this not come to pass, the wallet takes its keys for restored ones, which is safe.
    if isFresh { try WalletStore.create(at: state, account: file.account) }
  }

  /// Reads the keys' file.
  public static func read(in directory: String) throws -> WalletFile {
    let path = WalletConfiguration.keyPath(in: directory)
    let bytes: [UInt8]
    do throws(FileFailure) {
      bytes = try PrivateFile.read(path, bytesMax: WalletFile.bytesMax, isSecret: true)
    } catch {
      guard error.isMissing else { throw error }
      throw WalletProblem(
        .noWallet,
        "there is no wallet in \(directory): run mesh-wallet keygen, or keygen --restore"
      )
    }
    return try WalletFile(bytes)
  }
}
