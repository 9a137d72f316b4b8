public import Kernel
public import Service
public import TinyChain

/// A node's settings as the node uses them: checked, and in its own types.
public struct NodeConfiguration: Sendable {
  public var parameters: NetworkParameters
  /// Of the parameters.
  public var work: WorkRule
  public var address: IPAddress
  /// The first that is tried.
  public var port: UInt16
  /// Whether it is that port or none.
  public var isPortFixed: Bool
  /// Names and addresses to be called always.
  public var peers: [HostPort] = []
  public var peersMax = 64
  /// Who gets what blocks bring; nil for a node that does not mine.
  public var producer: Address?
  public var threads = 1
  public var logLevel = Log.Level.info

  /// A node of its own on loopback with a port that the system chooses: for tests.
  public init(_ parameters: NetworkParameters, _ work: WorkRule) {
    (self.parameters, self.work) = (parameters, work)
    (address, port, isPortFixed) = (.loopbackV4, 0, true)
  }

  /// What the settings say.
  ///
  /// - Throws: `UsageFailure` if two of them do not go together, or the launch file is not sound.
  public init(_ settings: Settings, wallet: Keystore?) throws {
    let parameters = try Self.network(settings)
    guard let work = parameters.work else { preconditionFailure("a network that is mined") }
    self.init(parameters, work)
    guard let ip = IPAddress(settings[NodeOptions.address]) else {
      throw UsageFailure.badFile("'\(settings[NodeOptions.address])' is no IP address")
    }
    address = ip
    port = settings[NodeOptions.port]
    isPortFixed =
      switch settings.source(of: NodeOptions.port) {
      case .standard: false
      case .file: port != Self.standardPort  // the file of a first run has it too
      case .environment, .flag: true
      }
    peers = settings[NodeOptions.peers]
    peersMax = settings[NodeOptions.maxPeers]
    threads = settings[NodeOptions.mineThreads]
    logLevel = settings[NodeOptions.logLevel]
    let mines = settings[NodeOptions.mine]
    // An address is looked at without `mine` too: what is wrong is told before somebody relies on it.
    if mines || settings[NodeOptions.mineTo] != nil {
      let producer = try Self.producer(settings, parameters, wallet)
      if mines { self.producer = producer }
    }
  }

  private static let standardPort: UInt16 = 5_100

  /// The network that the settings name.
  ///
  /// - Throws: `UsageFailure` for a launch file that is missing or not sound.
  public static func network(_ settings: Settings) throws -> NetworkParameters {
    let choice = settings[NodeOptions.network]
    guard let path = settings[NodeOptions.launchFile] else {
      switch choice {
      case .dev: return .minedDev
      case .provable: return .provable
      case .main:
        throw UsageFailure.badFile(
          "the main network starts from a launch file, with its time, first target and allocations; "
            + "name it with --launch-file, or join the dev network with --network dev"
        )
      }
    }
    let bytes: [UInt8]
    do {
      bytes = try PrivateFile.read(path, bytesMax: LaunchFile.bytesMax)
    } catch {
      throw UsageFailure.badFile("\(error)")
    }
    do {
      return try LaunchFile(parsing: bytes, for: choice).parameters
    } catch {
      throw UsageFailure.badFile("\(path):\(error)")
    }
  }

  private static func producer(
    _ settings: Settings,
    _ parameters: NetworkParameters,
    _ wallet: Keystore?
  ) throws -> Address {
    if let text = settings[NodeOptions.mineTo] {
      if let entry = wallet?[text] { return entry.address }
      guard let address = Address(written: text, isMain: parameters.isMain), address != .zero else {
        throw UsageFailure.badValue(
          source: "\(settings.source(of: NodeOptions.mineTo))",
          key: "mine_to",
          found: "'\(text.prefix(60))'",
          expected: "an address of this network, or an account of the wallet"
        )
      }
      return address
    }
    if let first = wallet?.entries.first { return first.address }
    guard !parameters.isMain else {
      throw UsageFailure.badFile(
        "nobody would get what blocks bring: make an account with `tinychain wallet new`, or name an "
          + "address with --mine-to"
      )
    }
    return NetworkParameters.faucet
  }
}
