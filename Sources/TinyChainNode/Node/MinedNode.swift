import EventLoop
import Glibc
import HTTP
public import Kernel
import Mining
public import Service
import Synchronization
public import TinyChain
import TinyChainPeers

/// A node among others that mine one chain: store, machine, peers, miner and API put together.
///
/// Two loops: `ledger` waits for the disk, `network` for peers and callers. Beside them are threads
/// that execute blocks, and those that mine.
public final class MinedNode: Sendable {
  /// Where it listens, with the port that was chosen.
  public let address: SocketAddress
  public let parameters: NetworkParameters
  let driver: Driver<PeerMachine>
  let network: PeerNetwork

  private let place: NodePlace
  private let store: MinedStore
  private let reader: ChainReader
  private let host: MinedHost
  private let api: ChainAPI
  private let server: HTTPServer
  private let miner: Miner?
  private let loops: (ledger: EventLoop, network: EventLoop)
  private let workers: Workers
  private let stopping: StopRequest
  private let log: Log

  /// For calls in flight, of the two seconds that a stop may take.
  private static let callGrace = Duration.milliseconds(300)
  /// Ports that are tried after the standard one.
  private static let portsMax: UInt16 = 32
  /// Contracts call one another 64 deep, each call with frames of its own.
  private static let stackSize = 2 << 20

  /// Starts a node: when this returns it listens, calls and answers.
  ///
  /// - Throws: `ListenFailure`, `StorageFailure`, `FileFailure`, each a line that says what to do.
  public init(_ configuration: NodeConfiguration, _ place: NodePlace, log: Log) async throws {
    let parameters = configuration.parameters
    (self.place, self.parameters, self.log) = (place, parameters, log)
    // A directory may have been that of another network before, which has a file of its own.
    let path = place.directory.file("\(parameters.name).sqlite")
    let chainStore = try ChainStore(path: path, parameters)
    let store = try MinedStore(chainStore, parameters)
    let chain = try chainStore.chain(parameters)
    let work = try chainStore.header(chain.tip.id)?.work ?? .zero
    let leaves = try chainStore.leaves(heavierThan: work)
    let bans = try chainStore.bans()
    reader = try ChainReader(path: path, parameters)
    self.store = store

    let metrics = Metrics()
    ProcessFigures.register(in: metrics)
    let stopping = StopRequest()
    self.stopping = stopping
    let loops = (ledger: try EventLoop(name: "ledger"), network: try EventLoop(name: "network"))
    self.loops = loops
    workers = try Workers(count: 2, queueMax: 64, name: "execute", stackSize: Self.stackSize)

    var random = SystemRandomNumberGenerator()
    let number: UInt64 = random.next()
    var settings = PeerNetwork.Settings(node: number)
    settings.peersMax = configuration.peersMax
    let network = PeerNetwork(
      settings,
      on: loops.network,
      log: log,
      metrics: PeerMetrics(in: metrics)
    )
    self.network = network
    let front = LateFront()
    let (server, skipped) = try await Self.listen(configuration, on: loops.network) {
      await front.answer($0)
    }
    (self.server, address) = (server, server.address)

    let host = MinedHost(store, network, metrics: metrics, log: log) { stopping.ask(because: $0) }
    self.host = host
    let driver = Driver<PeerMachine>(
      PeerMachine(
        store: store,
        chain: chain,
        leaves: leaves,
        pool: try chainStore.pooled(),
        bans: bans,
        configuration: PeerMachine.Configuration(
          parameters,
          nonce: number,
          port: server.address.port,
          seed: random.next()
        )
      ),
      host: host,
      on: loops.ledger,
      workers: workers,
      limits: Self.driverLimits
    )
    self.driver = driver
    host.begin(at: chain.tip.header)
    miner = try configuration.producer.map { producer in
      try Miner(
        Self.chain(driver, configuration.work, producer),
        threads: configuration.threads,
        on: loops.network,
        metrics: metrics
      )
    }
    if let miner { host.onTip { miner.tipChanged() } }
    let service = MinedService(parameters, driver, network, reader, host)
    api = try ChainAPI(
      service,
      parameters.isMain ? .none : .mined { await network.setCut($0) },
      metrics: metrics,
      hosts: configuration.address.isUnspecified ? [] : ["\(configuration.address)"]
    )
    api.didBind(port: server.address.port)
    front.open(api.handler, network)
    await network.start(
      PeerSink(
        connected: { driver.connected($0, $1) },
        disconnected: { driver.disconnected($0) },
        deliver: { driver.deliver($0, from: $1, cost: max(1, $2)) }
      )
    )
    await network.restore(bans)
    _ = try await driver.submit(.start)
    let neighbours = place.neighbours + skipped.map { SocketAddress(.loopbackV4, port: $0) }
    for address in neighbours { log.info("another node is here", ["peer": "\(address)"]) }
    let known = await Self.resolved(configuration.peers, log) + neighbours
    _ = try await driver.submit(.addPeers(known, keep: true))
    _ = try await driver.submit(.addPeers(try store.addresses(), keep: false))
    await miner?.start()
    try writePorts()
    log.info(
      "started",
      [
        "version": ChainAPI.version, "network": parameters.name, "api": "\(address)",
        "data": place.directory.path, "height": "\(chain.tip.header.height)",
        "mine": configuration.producer.map { $0.text(isMain: parameters.isMain) } ?? "no",
      ]
    )
  }

  private static var driverLimits: DriverLimits {
    var limits = DriverLimits()
    limits.peersMax = 600
    limits.messagesPerPeer = 64
    // The largest answers: two of them may wait.
    limits.costPerPeer = 2 * PeerLimits.bodyBytesMax
    limits.quantum = PeerLimits.bodyBytesMax / 16
    // The machine reads what earlier inputs wrote: so each is written before the next is decided.
    limits.groupMax = 1
    return limits
  }

  /// Listens at the port that is asked for, or at the next that is free.
  private static func listen(
    _ configuration: NodeConfiguration,
    on loop: EventLoop,
    handler: @escaping HTTPServer.Handler
  ) async throws -> (HTTPServer, skipped: [UInt16]) {
    var skipped: [UInt16] = []
    while true {
      let port = configuration.port == 0 ? 0 : configuration.port + UInt16(skipped.count)
      do {
        let server = try await HTTPServer(
          at: SocketAddress(configuration.address, port: port),
          on: loop,
          limits: ChainAPI.minedServerLimits,
          handler: handler
        )
        return (server, skipped)
      } catch {
        guard !configuration.isPortFixed, skipped.count < Self.portsMax, port < UInt16.max,
          ChainAPI.isPortTaken(error)
        else { throw error }
        skipped.append(port)
      }
    }
  }

  private static func chain(
    _ driver: Driver<PeerMachine>,
    _ work: WorkRule,
    _ producer: Address
  ) -> Miner.Chain {
    let search = NonceSearch(hash: work.hash == .poseidon2 ? .poseidon2 : .sha256d)
    return Miner.Chain(
      draft: {
        // A driver that has stopped has nothing to mine either.
        guard case .draft(let block) = try? await driver.submit(.draft(producer: producer)) else {
          return nil
        }
        return block
      },
      mined: { block in _ = try? await driver.submit(.mined(block)) },
      search: { header, bits, nonces in
        guard let target = UInt256(compact: bits) else { return nil }
        return search.search(header: header, target: target.bigEndianBytes, nonces: nonces)
      }
    )
  }

  /// Names are looked up on a thread of their own, as that may wait for many seconds.
  private static func resolved(_ peers: [HostPort], _ log: Log) async -> [SocketAddress] {
    var addresses = peers.compactMap(\.literal)
    let names = peers.filter { $0.literal == nil }
    guard !names.isEmpty else { return addresses }
    do {
      let resolver = try Workers(count: 1, queueMax: 1, name: "resolve")
      for name in names {
        let found = try await name.addresses(by: resolver)
        if found.isEmpty { log.warn("peer name not found", ["name": name.host]) }
        addresses += found
      }
      await resolver.shutdown()
    } catch {
      log.warn("peer names not looked up", ["problem": "\(error)"])
    }
    return addresses
  }

  private func writePorts() throws {
    let ports: JSON = ["api_port": JSON(address.port)]
    try PrivateFile.write(ports.bytes(), to: place.directory.file("ports.json"), mode: 0o644)
  }

  // MARK: The end

  public func askToStop() { stopping.ask(because: nil) }

  /// Returns once the node is asked to stop, or fails.
  ///
  /// - Returns: why, if it failed.
  public func untilAskedToStop() async -> (any Error)? { await stopping.value() }

  /// Lets calls in flight end, and ends every thread, in the order of dependence.
  public func stop() async {
    unlink(place.directory.file("ports.json"))  // should it fail, a client finds nobody there
    await miner?.stop()
    await network.stop()
    await server.shutdown(within: Self.callGrace)
    await api.shutdown()
    // So that the one file is all there is to copy. The failure of a disk was told, or will be.
    await driver.perform { [store] in try store.checkpoint() }
    await driver.stop()
    await workers.shutdown()
    log.info("stopped", [:])
    log.flush()
    await loops.network.shutdown()
    await loops.ledger.shutdown()
  }
}

/// What answers HTTP once the node is put together: the port is known before the machine is made,
/// which tells it to others.
final class LateFront: Sendable {
  private let parts = Mutex<(api: HTTPServer.Handler, network: PeerNetwork)?>(nil)

  func open(_ api: @escaping HTTPServer.Handler, _ network: PeerNetwork) {
    parts.withLock { $0 = (api, network) }
  }

  func answer(_ request: HTTPRequest) async -> HTTPResponse {
    guard let parts = parts.withLock({ $0 }) else {
      return HTTPResponse(status: 503, text: "the node is starting\n")
    }
    if request.path.hasPrefix(PeerNetwork.prefix) { return await parts.network.answer(request) }
    return await parts.api(request)
  }
}
