public import Kernel
public import Mesh
public import Service

/// A validator's settings as it uses them: checked, and in its own types.
public struct ValidatorConfiguration: Sendable {
  public var dataDirectory: String
  public var genesis: Genesis
  public var listen: SocketAddress
  public var http: SocketAddress
  public var peers: [ValidatorPlace] = []
  public var votesPerSecond: UInt64 = 200
  public var logLevel = Log.Level.info
  /// A validator that lost its database may serve as a follower; see `ValidatorDirectory`.
  public var follows = false

  public static let version = "0.1.0"

  /// A validator on loopback with ports that the system chooses: for tests.
  public init(dataDirectory: String, genesis: Genesis) {
    self.dataDirectory = dataDirectory
    self.genesis = genesis
    listen = SocketAddress(.loopbackV4, port: 0)
    http = SocketAddress(.loopbackV4, port: 0)
  }

  /// What the settings say.
  ///
  /// - Throws: `UsageFailure` if two of them do not go together, or the genesis file is not sound.
  public init(_ settings: Settings) throws {
    let directory = settings[ValidatorOptions.dataDirectory]
    self.init(
      dataDirectory: directory,
      genesis: try GenesisFile.read(
        settings[ValidatorOptions.genesis] ?? directory + "/" + GenesisFile.standardName
      )
    )
    let address = settings[ValidatorOptions.listenAddress]
    // The option's type has looked at it, with the system's eyes; ours may differ on rare forms.
    guard let ip = IPAddress(address) else {
      throw UsageFailure.badFile("'\(address)' is not an IP address in its plain form")
    }
    listen = SocketAddress(ip, port: settings[ValidatorOptions.listenPort])
    http = SocketAddress(.loopbackV4, port: settings[ValidatorOptions.httpPort])
    peers = settings[ValidatorOptions.peers]
    votesPerSecond = UInt64(settings[ValidatorOptions.votesPerSecond])
    logLevel = settings[ValidatorOptions.logLevel]
    do {
      _ = try Self.places(peers, in: genesis)
    } catch {
      throw UsageFailure.badFile("\(settings.source(of: ValidatorOptions.peers)): \(error)")
    }
  }

  /// The peers by their index.
  ///
  /// - Throws: `ValidatorFailure` for a key that is no validator's, or is there twice.
  public static func places(
    _ peers: [ValidatorPlace],
    in genesis: Genesis
  ) throws(ValidatorFailure) -> [ValidatorIndex: HostPort] {
    var places: [ValidatorIndex: HostPort] = [:]
    for peer in peers {
      guard let index = genesis.validators.index(of: peer.key) else {
        throw ValidatorFailure(
          "peers names the key \(peer.key), which is no validator of \(genesis.name)"
        )
      }
      guard places.updateValue(peer.host, forKey: index) == nil else {
        throw ValidatorFailure("peers names the key \(peer.key) twice")
      }
    }
    return places
  }
}

/// Why a validator cannot start or go on, for the operator.
public struct ValidatorFailure: Error, Hashable, CustomStringConvertible {
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}
