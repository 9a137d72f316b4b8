public import EventLoop
public import Kernel
import Transport

/// Passes TCP connections between callers and one place, as a worse link would.
///
/// Bytes keep their order: a piece that is late holds back those behind it, as a lost segment does.
/// Belongs to its loop's thread.
public final class StreamRelay {
  /// Where callers call.
  public var address: SocketAddress { listener?.address ?? destination }

  private let loop: EventLoop
  private let destination: SocketAddress
  private let conditions: LinkConditions
  private var seeds: LinkSeeds
  private var listener: Listener?
  private var links: [ObjectIdentifier: Link] = [:]
  private var connectors: [ObjectIdentifier: Connector] = [:]

  /// Connections; a caller beyond is hung up on.
  private static let linksMax = 1024
  private static let connectTimeout = Duration.seconds(10)

  /// Relays from now on; the parameters are those of `DatagramRelay`.
  ///
  /// - Throws: `ListenFailure`, which says what the operator can do.
  public init(
    from address: SocketAddress,
    to destination: SocketAddress,
    _ conditions: LinkConditions,
    seed: UInt64,
    on loop: EventLoop
  ) throws {
    self.loop = loop
    self.destination = destination
    self.conditions = conditions
    seeds = LinkSeeds(seed)
    listener = try Listener(at: address, on: loop, outboundMax: Link.outboundMax) {
      [weak self] caller in
      self?.accept(caller)
    }
  }

  /// Ends it and hangs up.
  public func close() {
    listener?.close()
    listener = nil
    for connector in connectors.values { connector.cancel() }
    connectors = [:]
    for link in links.values { link.close(.local("the relay ends")) }
    links = [:]
  }

  private func accept(_ caller: Connection) {
    guard links.count + connectors.count < Self.linksMax else {
      return caller.close(.local("too many connections"))
    }
    let fates = seeds.next(conditions)
    let key = ObjectIdentifier(caller)
    connectors[key] = Connector(
      to: destination,
      on: loop,
      timeout: Self.connectTimeout,
      outboundMax: Link.outboundMax
    ) { [weak self] result in
      guard let self else { return caller.close(.local("the relay ends")) }
      connectors[key] = nil
      switch result {
      case .failure(let failure):
        caller.close(.local(failure.description))
      case .success(let place):
        links[key] = Link(caller, place, fates) { [weak self] in self?.links[key] = nil }
      }
    }
  }
}

/// One connection of a caller and that to the place.
private final class Link {
  private var lanes: [Lane] = []
  private var lanesOpen = 2
  private var onEnd: (() -> Void)?

  /// Bytes under way in one direction, and queued for its reader.
  static let outboundMax = 4 << 20

  init(
    _ caller: Connection,
    _ place: Connection,
    _ fates: (there: LinkFates, back: LinkFates),
    onEnd: @escaping () -> Void
  ) {
    self.onEnd = onEnd
    let end: (CloseReason) -> Void = { [weak self] in self?.ended($0) }
    lanes = [
      Lane(from: caller, to: place, fates.there, onEnd: end),
      Lane(from: place, to: caller, fates.back, onEnd: end),
    ]
    for lane in lanes { lane.start() }
  }

  /// A connection has ended; if in order, the other goes on until it has said all.
  private func ended(_ reason: CloseReason) {
    lanesOpen -= 1
    if reason != .remote || lanesOpen == 0 { close(reason) }
  }

  func close(_ reason: CloseReason) {
    guard let onEnd else { return }
    self.onEnd = nil
    for lane in lanes { lane.close(reason) }
    onEnd()
  }
}

/// One direction: reads from a connection, and writes to another later.
private final class Lane: ConnectionHandler {
  private let source: Connection
  private let sink: Connection
  private var fates: LinkFates
  private let onEnd: (CloseReason) -> Void
  private var underWay = 0
  private var latest: Instant
  private var isHeld = false
  private var hasEnded = false
  private var isClosed = false

  /// The other half of what `sink` may queue stays for the piece that comes next.
  private static let underWayMax = Link.outboundMax / 2

  init(
    from source: Connection,
    to sink: Connection,
    _ fates: LinkFates,
    onEnd: @escaping (CloseReason) -> Void
  ) {
    self.source = source
    self.sink = sink
    self.fates = fates
    self.onEnd = onEnd
    latest = source.loop.now
  }

  func start() {
    source.start(self)
    source.requestRead()
  }

  func close(_ reason: CloseReason) {
    isClosed = true
    source.close(reason)
  }

  func received(_ bytes: RawSpan) {
    let piece = bytes.withUnsafeBytes { [UInt8]($0) }
    underWay += piece.count
    later { lane in
      lane.underWay -= piece.count
      if lane.sink.send(piece) == .overflow {
        // The sink's reader is slow: what is queued there counts as under way until it is read.
        return lane.onEnd(.local("the reader is too slow"))
      }
      lane.readOn()
    }
    readOn()
  }

  func remoteFinished() {
    hasEnded = true
    later { $0.sink.finish() }
  }

  func drained() {}

  func closed(_ reason: CloseReason) {
    guard !isClosed else { return }
    isClosed = true
    // What is under way still arrives. The end of the stream is told by this alone if the other
    // direction had ended before.
    later { lane in
      if reason == .remote { lane.sink.finish() }
      lane.onEnd(reason)
    }
  }

  /// Reads while there is room on the way and at its end; asks again when room comes.
  private func readOn() {
    guard !hasEnded, !isClosed else { return }
    guard underWay + sink.pendingBytes < Self.underWayMax else {
      guard !isHeld else { return }
      isHeld = true
      source.loop.schedule(after: .milliseconds(5)) { [weak self] in
        self?.isHeld = false
        self?.readOn()
      }
      return
    }
    source.requestRead()
  }

  private func later(_ action: @escaping (Lane) -> Void) {
    latest = max(latest, source.loop.now + fates.nextOfStream())
    source.loop.schedule(at: latest) { [weak self] in
      if let self { action(self) }
    }
  }
}
