public import Kernel
public import Service
public import SmallNano

/// A node's settings as the node uses them: checked, and in its own types.
public struct NodeConfiguration: Sendable {
  public var dataDirectory: String
  public var parameters: NetworkParameters
  public var listen: SocketAddress
  public var external: SocketAddress?
  /// Names and addresses to be looked up.
  public var seeds: [HostPort] = []
  public var bootstrapPeers: [HostPort] = []
  public var peersMax = 50
  public var bytesPerSecond: UInt64 = 1_250_000
  public var rpc: SocketAddress
  public var maxBlocksPerAccount = 1000
  public var maxLedgerMegabytes = 2048
  public var workThreads = 1
  public var electionsMax = 5000
  public var enableVoting = false
  public var autoReceive = false
  public var logLevel = Log.Level.info
  public var version = Node.version

  /// A node of its own on loopback with ports that the system chooses: for tests.
  public init(dataDirectory: String, parameters: NetworkParameters) {
    self.dataDirectory = dataDirectory
    self.parameters = parameters
    listen = SocketAddress(.loopbackV4, port: 0)
    rpc = SocketAddress(.loopbackV4, port: 0)
  }

  /// What the settings say.
  ///
  /// - Throws: `UsageFailure` if two of them do not go together, or the launch file is not sound.
  public init(_ settings: Settings) throws {
    let parameters = try Self.parameters(settings)
    self.init(dataDirectory: settings[NodeOptions.dataDirectory], parameters: parameters)
    listen = SocketAddress(
      try Self.ip(settings[NodeOptions.listenAddress]),
      port: settings[NodeOptions.peeringPort] ?? parameters.peeringPort
    )
    rpc = SocketAddress(
      try Self.ip(settings[NodeOptions.rpcAddress]),
      port: settings[NodeOptions.rpcPort] ?? parameters.rpcPort
    )
    if let address = settings[NodeOptions.externalAddress] {
      guard let ip = IPAddress(address.host) else {
        throw UsageFailure.badValue(
          source: "\(settings.source(of: NodeOptions.externalAddress))",
          key: "external_address",
          found: "'\(address)'",
          expected: "an IP address and a port"
        )
      }
      external = SocketAddress(ip, port: address.port)
    }
    seeds = settings[NodeOptions.peerSeeds]
    bootstrapPeers = settings[NodeOptions.bootstrapPeers]
    peersMax = settings[NodeOptions.maxPeers]
    bytesPerSecond = UInt64(settings[NodeOptions.bandwidthLimit]) * 125_000
    maxBlocksPerAccount = settings[NodeOptions.maxBlocksPerAccount]
    maxLedgerMegabytes = settings[NodeOptions.maxLedgerMegabytes]
    workThreads = settings[NodeOptions.workThreads]
    electionsMax = settings[NodeOptions.maxPendingElections]
    enableVoting = settings[NodeOptions.enableVoting]
    autoReceive = settings[NodeOptions.autoReceive]
    logLevel = settings[NodeOptions.logLevel]
  }

  private static func ip(_ text: String) throws -> IPAddress {
    // The option's type has looked at it, with the system's eyes; ours may differ on rare forms.
    guard let ip = IPAddress(text) else {
      throw UsageFailure.badFile("'\(text)' is not an IP address in its plain form")
    }
    return ip
  }

  private static func parameters(_ settings: Settings) throws -> NetworkParameters {
    let network: Network =
      switch settings[NodeOptions.network] {
      case .main: .main
      case .beta: .beta
      case .dev: .dev
      }
    if network == .dev, settings[NodeOptions.launchFile] == nil { return .dev }
    guard let path = settings[NodeOptions.launchFile] else {
      throw UsageFailure.badFile(
        "the \(network.name) network starts from a launch file with its public keys and first "
          + "weights; name it with --launch-file, or join the dev network with --network dev"
      )
    }
    let bytes: [UInt8]
    do {
      bytes = try PrivateFile.read(path, bytesMax: LaunchFile.bytesMax)
    } catch {
      throw UsageFailure.badFile("\(error)")
    }
    do {
      return try LaunchFile(parsing: bytes, for: network).parameters
    } catch {
      throw UsageFailure.badFile("\(path):\(error)")
    }
  }
}
