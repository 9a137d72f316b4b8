import EventLoop
import Kernel
import Mesh
import QUIC
import Service
import Transport

/// One connection of SPEC-009: the handshake, the control stream, and a stream for each request.
///
/// Belongs to the network's loop and to `MeshNetwork`, which it tells what comes. It decodes and
/// answers for the form of what is said; whether signatures hold is its owner's business.
final class MeshConnection: QUICConnectionHandler {
  /// What the owner is told.
  enum Happening {
    /// The other end has proved who it is, or may stay anonymous.
    case greeted(MeshPeer)
    case message(MeshMessage, size: Int)
    /// The last.
    case closed(QUICCloseReason)
  }

  /// What connections of one network have in common.
  struct Context {
    let genesis: Genesis
    let identity: MeshNetwork.Identity
    let agent: String
    let handshakeTimeout: Duration
    let answerTimeout: Duration
    let log: Log
    let logHead: () -> UInt64
    /// Whether a host may make one more costly request.
    let takeShare: (HostShares.Charge, SocketAddress) -> Bool
  }

  let id: PeerID
  /// Who was called; nil if the other end called.
  let called: ValidatorIndex?
  let context: Context
  private(set) var peer: MeshPeer?
  let startedAt: Instant
  private(set) var greetedAt: Instant?
  /// Checked messages that the machine's inbox had no room for.
  var undelivered = RingBuffer<(message: Verified<MeshMessage>, size: Int)>()
  /// Messages that wait for their checks.
  var unchecked = RingBuffer<(message: MeshMessage, size: Int)>()
  /// Messages whose checks failed.
  var offences = 0

  private let loop: EventLoop
  private let tell: (MeshConnection, Happening) -> Void
  private var quic: QUICConnection?
  private var control: FrameStream?
  private var deadline: Timer?
  /// Why it ends, once nothing more that comes counts.
  private var ending: Farewell?
  /// Why this end leaves: it asks and answers nothing new, and closes when all is answered.
  private var leaving: Farewell?
  /// Bytes of messages taken and not done with.
  private var outstanding = 0

  // Requests of this end.
  private var waitingAsks = RingBuffer<(request: Request, exchange: Exchange)>()
  private var asked: [UInt64: Asked] = [:]
  private var isPeerLeaving = false

  // Requests of the other end.
  private var answering: [UInt64: QUICStream] = [:]
  private var early: [(request: Request, stream: QUICStream, size: Int)] = []
  /// Those of them that never end.
  private var subscribed: Set<UInt64> = []

  /// A request on its stream.
  private struct Asked {
    let request: Request
    let exchange: Exchange
    let stream: FrameStream
    var answers = 0
    var timer: Timer?
  }

  /// Of the control stream: a handshake has 412 bytes at most.
  static let controlFrameMax = 4096
  /// Requests in flight, of either end: SPEC-009, 9.7.
  static let requestsMax = 64
  /// Requests that wait for their turn here; a machine that asks more loses the rest.
  static let waitingMax = 1024
  /// Bytes taken from the other end and not done with: QUIC's window of a connection once more.
  static let outstandingMax = 4 << 20
  /// Subscriptions on one connection, each of up to 255 accounts.
  static let subscriptionsMax = 4
  /// From a request's first byte to its last.
  static let requestTimeout = Duration.seconds(10)
  /// For what is still to be answered when this end leaves.
  static let farewellTimeout = Duration.seconds(1)
  static let exporterLabel = "EXPORTER-MESH-v1"

  init(
    id: PeerID,
    called: ValidatorIndex?,
    context: Context,
    on loop: EventLoop,
    tell: @escaping (MeshConnection, Happening) -> Void
  ) {
    self.id = id
    self.called = called
    self.context = context
    self.loop = loop
    self.tell = tell
    startedAt = loop.now
  }

  var remote: SocketAddress? { quic?.remote }
  var isOpen: Bool { quic?.isOpen ?? false }

  /// Takes the connection that it is about, before anything happens on it.
  func attach(_ connection: QUICConnection) {
    precondition(quic == nil)
    quic = connection
  }

  private var side: Handshake.Side { called == nil ? .server : .client }
  private var otherSide: Handshake.Side { called == nil ? .client : .server }

  // MARK: The handshake

  func established() {
    note("established")
    deadline = loop.schedule(after: context.handshakeTimeout) { [weak self] in
      self?.end(.timeout, "no handshake in time")
    }
    guard called != nil, let stream = quic?.openStream() else { return }
    begin(control: stream)
  }

  private func begin(control stream: QUICStream) {
    let control = FrameStream(stream, frameMax: Self.controlFrameMax) { [weak self] in
      self?.handle($1, of: $0)
    }
    self.control = control
    control.start()
    guard let handshake = ownHandshake() else {
      return end(.internalError, "no keying material")
    }
    _ = control.send(Frame.control(.handshake(handshake)).encoded)
    note("handshake_sent")
  }

  private var exporter: Bytes32? {
    quic?.exportKey(label: Self.exporterLabel, count: 32).flatMap { Bytes32($0) }
  }

  private func ownHandshake() -> Handshake? {
    switch context.identity {
    case .wallet: return .anonymous(network: context.genesis.id, agent: context.agent)
    case .validator(let key, let index):
      guard let exporter else { return nil }
      return .signed(
        by: key,
        as: index,
        network: context.genesis.id,
        features: [.recoveryBallots, .subscriptions],
        logHead: context.logHead(),
        agent: context.agent,
        side: side,
        exporter: exporter
      )
    }
  }

  private func greet(_ handshake: Handshake) {
    guard peer == nil else { return end(.protocolViolation, "a second handshake") }
    note("handshake_received", handshake.agent)
    guard let exporter else { return end(.internalError, "no keying material") }
    if let code = handshake.failure(side: otherSide, exporter: exporter, on: context.genesis) {
      return end(code, "handshake refused: \(code)")
    }
    let peer: MeshPeer =
      switch (handshake.role, handshake.identity?.validator) {
      case (.validator, let validator?): .validator(validator)
      default: .wallet
      }
    if let (code, reason) = objection(to: peer) { return end(code, reason) }
    self.peer = peer
    greetedAt = loop.now
    if let deadline { loop.cancel(deadline) }
    deadline = nil
    note("handshake_verified")
    tell(self, .greeted(peer))
    let early = self.early
    self.early = []
    for (request, stream, size) in early {
      outstanding -= size
      if stream.isOpen { take(request, stream, size) }
    }
    startAsks()
  }

  /// Whether it is somebody else who answers or calls than should.
  private func objection(to peer: MeshPeer) -> (CloseCode, String)? {
    switch (called, peer) {
    case (let called?, .validator(let validator)):
      return called == validator
        ? nil : (.identityMismatch, "validator \(validator) where \(called) was called")
    case (_?, .wallet): return (.identityMismatch, "a wallet where a validator was called")
    case (nil, .wallet): return nil
    case (nil, .validator(let validator)):
      guard let own = context.identity.index else {
        return (.protocolViolation, "a wallet is called by nobody")
      }
      if validator == own { return (.identityMismatch, "another speaks with this validator's key") }
      return validator < own
        ? nil : (.protocolViolation, "of two validators the one with the lower index calls")
    }
  }

  // MARK: The control stream

  private func handle(_ happening: FrameStream.Happening, of stream: FrameStream) {
    switch happening {
    case .frame(let frame, let size):
      handle(frame, size)
      if outstanding < Self.outstandingMax { stream.readOn() }
    case .finished: end(.protocolViolation, "the control stream has ended")
    case .drained: break
    case .failed(let failure): end(failure)
    case .closed(let reason):
      if isOpen { end(.protocolViolation, "no control stream: \(reason)") }
    }
  }

  private func handle(_ frame: Frame, _ size: Int) {
    guard ending == nil else { return }
    switch frame {
    case .control(.handshake(let handshake)): greet(handshake)
    case .control(.ping(let ping)):
      guard peer == nil else { return pass(.ping(ping), size) }
      let pong = Pong(ping: ping, logHead: context.logHead())
      send(control: .pong(pong))
    case .control(.pong(let pong)): if peer != nil { pass(.pong(pong), size) }
    case .control(.goAway(let farewell)): peerLeaves(farewell)
    case .response(.error(let farewell)):
      note("error", farewell.reason)
    case .request, .response:
      end(
        peer == nil ? .handshakeRequired : .protocolViolation,
        "a \(frame.type) message on the control stream"
      )
    }
  }

  private func send(control message: ControlMessage) {
    guard let control, isOpen else { return }
    if control.send(Frame.control(message).encoded) == .overflow {
      end(.rateLimited, "it reads too slowly")
    }
  }

  private func pass(_ message: MeshMessage, _ size: Int) {
    outstanding += size
    tell(self, .message(message, size: size))
  }

  /// A message is done with: there may be room for another.
  func finished(size: Int) {
    outstanding -= size
    guard outstanding < Self.outstandingMax, ending == nil else { return }
    control?.readOn()
    for (_, each) in asked.sorted(by: { $0.key < $1.key }) where each.answers > 0 {
      each.stream.readOn()
    }
  }

  // MARK: Out

  /// Sends what the machine says.
  func send(_ message: MeshMessage) {
    guard isOpen, ending == nil else { return }
    switch message {
    case .ping(let ping): send(control: .ping(ping))
    case .pong(let pong): send(control: .pong(pong))
    case .response(let response, let exchange): answer(response, exchange)
    case .request(let request, let exchange):
      guard !isPeerLeaving, leaving == nil, waitingAsks.count < Self.waitingMax else {
        return fail(exchange, .rateLimited, "too many requests wait")
      }
      waitingAsks.append((request, exchange))
      startAsks()
    }
  }

  // MARK: Requests of this end

  func mayOpenStreams() { startAsks() }

  private func startAsks() {
    guard peer != nil, ending == nil else { return }
    while asked.count < Self.requestsMax, !waitingAsks.isEmpty, let stream = quic?.openStream(),
      let (request, exchange) = waitingAsks.popFirst()
    {
      ask(request, exchange, on: stream)
    }
  }

  private func ask(_ request: Request, _ exchange: Exchange, on stream: QUICStream) {
    let frames = FrameStream(stream, frameMax: Frame.headerSize + Limits.frameBytes) {
      [weak self] in self?.handle($1, of: $0, exchange)
    }
    var asked = Asked(request: request, exchange: exchange, stream: frames)
    asked.timer = loop.schedule(after: context.answerTimeout) { [weak self] in
      self?.fail(exchange, .timeout, "no answer in time")
    }
    self.asked[exchange.number] = asked
    frames.start()
    _ = stream.send(Frame.request(request).encoded)
    stream.finish()
  }

  private func handle(
    _ happening: FrameStream.Happening,
    of stream: FrameStream,
    _ exchange: Exchange
  ) {
    switch happening {
    case .frame(.response(let response), let size): take(response, size, exchange)
    case .frame(let frame, _): end(.protocolViolation, "a \(frame.type) message as an answer")
    case .finished: finish(exchange, isWithinFrame: stream.isWithinFrame)
    case .drained: break
    case .failed(let failure): end(failure)
    case .closed(let reason):
      if asked[exchange.number] != nil { fail(exchange, .none, reason.description) }
    }
  }

  private func take(_ response: Response, _ size: Int, _ exchange: Exchange) {
    guard ending == nil, var asked = self.asked[exchange.number] else { return }
    guard asked.request.accepts(response) else {
      return end(.protocolViolation, "a \(response.type) answers a \(asked.request.type)")
    }
    asked.answers += 1
    if let timer = asked.timer.take() { loop.cancel(timer) }
    self.asked[exchange.number] = asked
    let mayFollow: Bool =
      switch asked.request.answering {
      case .none, .one: asked.answers <= 1
      case .several(let max): asked.answers <= max
      case .endless: true
      }
    guard mayFollow else { return end(.protocolViolation, "too many answers") }
    pass(.response(response, exchange), size)
    if outstanding < Self.outstandingMax { asked.stream.readOn() }
  }

  private func finish(_ exchange: Exchange, isWithinFrame: Bool) {
    guard let asked = self.asked[exchange.number] else { return }
    if isWithinFrame { return end(.protocolViolation, "a stream ends within a frame") }
    if asked.answers == 0, case .none = asked.request.answering {
    } else if asked.answers == 0 {
      return fail(exchange, .none, "no answer")
    }
    forget(exchange)
  }

  /// The machine is told that no answer will come.
  private func fail(_ exchange: Exchange, _ code: CloseCode, _ reason: String) {
    let asked = self.asked[exchange.number]
    forget(exchange)
    asked?.stream.close(reason, code)
    guard isOpen, ending == nil, asked.map({ $0.answers == 0 }) ?? true else { return }
    note("request_failed", reason)
    let farewell = Farewell(code: code, reason: String(reason.prefix(60)))
    pass(.response(.error(farewell), exchange), Frame.headerSize)
  }

  private func forget(_ exchange: Exchange) {
    guard let asked = self.asked.removeValue(forKey: exchange.number) else { return }
    if let timer = asked.timer { loop.cancel(timer) }
    startAsks()
    closeIfDone()
  }

  // MARK: Requests of the other end

  func opened(_ stream: QUICStream) {
    guard ending == nil, leaving == nil else { return }  // What is not started is aborted.
    if called == nil, stream.id == 0, control == nil { return begin(control: stream) }
    guard case .validator = context.identity else {
      return stream.close(
        .local("a wallet answers nothing"),
        code: UInt64(CloseCode.protocolViolation.rawValue)
      )
    }
    if answering.count >= Self.requestsMax {
      answering = answering.filter { $1.isOpen }
      guard answering.count < Self.requestsMax else { return refuse(stream, "too many requests") }
    }
    answering[UInt64(stream.id)] = stream
    let limits = QUICMessageLimits(
      bytesMax: 4 + Limits.frameBytes,
      timeout: Self.requestTimeout,
      tooLongCode: UInt64(CloseCode.frameTooLarge.rawValue),
      timeoutCode: UInt64(CloseCode.timeout.rawValue)
    )
    stream.readWhole(limits) { [weak self] in self?.read($0, stream) }
  }

  private func refuse(_ stream: QUICStream, _ reason: String) {
    answering[UInt64(stream.id)] = nil
    stream.close(.local(reason), code: UInt64(CloseCode.rateLimited.rawValue))
  }

  private func read(_ message: QUICMessage, _ stream: QUICStream) {
    guard ending == nil, isOpen else { return }
    switch message {
    case .failure(.tooLong(let max)): end(.frameTooLarge, "a request of more than \(max) bytes")
    case .failure: answering[UInt64(stream.id)] = nil
    case .success(let bytes):
      do throws(FrameFailure) {
        guard bytes.count >= Frame.headerSize else { throw .empty }
        let (count, type) = try Frame.header(Array(bytes[..<Frame.headerSize]))
        guard bytes.count == Frame.headerSize + count else {
          return end(.protocolViolation, "a request that is not one whole frame")
        }
        if MessageType.experimental.contains(type) {
          answering[UInt64(stream.id)] = nil
          return stream.finish()
        }
        let payload = Array(bytes[Frame.headerSize...])
        guard case .request(let request) = try Frame(type: type, payload: payload) else {
          return end(.protocolViolation, "no request on a stream of its own")
        }
        take(request, stream, bytes.count)
      } catch {
        end(error)
      }
    }
  }

  private func take(_ request: Request, _ stream: QUICStream, _ size: Int) {
    guard outstanding + size <= Self.outstandingMax else {
      return refuse(stream, "too much waits")
    }
    // A wallet may send requests right behind its handshake.
    guard let peer else {
      outstanding += size
      return early.append((request, stream, size))
    }
    let exchange = Exchange(UInt64(stream.id))
    if peer == .wallet {
      if request.isForValidators {
        let farewell = Farewell(code: .protocolViolation, reason: "only validators may ask that")
        return answer(.error(farewell), exchange)
      }
      if let charge = request.charge, let remote, !context.takeShare(charge, remote) {
        let farewell = Farewell(code: .rateLimited, reason: "too many requests from this address")
        return answer(.error(farewell), exchange)
      }
    }
    switch request.answering {
    case .none:
      answering[UInt64(stream.id)] = nil
      stream.finish()
    case .endless:
      subscribed.insert(exchange.number)
      guard subscribed.count <= Self.subscriptionsMax else {
        return refuse(stream, "too many subscriptions")
      }
    case .one, .several: break
    }
    pass(.request(request, exchange), size)
  }

  private func answer(_ response: Response, _ exchange: Exchange) {
    guard let stream = answering[exchange.number] else { return }
    if stream.send(Frame.response(response).encoded) == .overflow {
      return refuse(stream, "it reads too slowly")
    }
    if case .event = response { return }
    answering[exchange.number] = nil
    stream.finish()
    closeIfDone()
  }

  // MARK: The end

  private func peerLeaves(_ farewell: Farewell) {
    note("goaway", farewell.reason)
    guard !isPeerLeaving else { return }
    isPeerLeaving = true
    while let (_, exchange) = waitingAsks.popFirst() {
      fail(exchange, farewell.code, "the other end leaves")
    }
    // It closes when it has its answers; this is for one that does not.
    schedule(closeAfter: context.answerTimeout)
  }

  /// Says that it will close, and does so when what was asked, by either end, is answered.
  ///
  /// - Parameters:
  ///   - code: why.
  ///   - reason: the same in words.
  func leave(_ code: CloseCode, _ reason: String) {
    guard isOpen, ending == nil, leaving == nil else { return }
    guard peer != nil else { return end(code, reason) }
    let farewell = Farewell(code: code, reason: reason)
    note("leaving", reason)
    send(control: .goAway(farewell))
    leaving = farewell
    schedule(closeAfter: Self.farewellTimeout)
    closeIfDone()
  }

  /// Says why it closes, lets go out what was answered, and heeds nothing more.
  func expel(_ code: CloseCode, _ reason: String) {
    guard isOpen, ending == nil else { return }
    guard peer != nil else { return end(code, reason) }
    let farewell = Farewell(code: code, reason: reason)
    note("expelled", reason)
    send(control: .goAway(farewell))
    ending = farewell
    loop.beforeWaiting { self.closeNow() }
  }

  private func closeIfDone() {
    guard let leaving, isOpen, ending == nil, waitingAsks.isEmpty,
      asked.values.allSatisfy({ $0.request.answering == .endless }),
      answering.keys.allSatisfy({ subscribed.contains($0) })
    else { return }
    ending = leaving
    // After the endpoint has sent what was answered in this turn.
    loop.beforeWaiting { self.closeNow() }
  }

  private func schedule(closeAfter delay: Duration) {
    if let deadline { loop.cancel(deadline) }
    deadline = loop.schedule(after: delay) { [weak self] in self?.closeNow() }
  }

  private func closeNow() {
    let farewell = ending ?? leaving ?? Farewell(code: .none, reason: "the other end leaves")
    end(farewell.code, farewell.reason)
  }

  private func end(_ failure: FrameFailure) { end(failure.code, failure.description) }

  private func end(_ code: CloseCode, _ reason: String) {
    guard let quic, quic.isOpen else { return }
    quic.close(code: UInt64(code.rawValue), reason)
  }

  func closed(_ reason: QUICCloseReason) {
    if let deadline { loop.cancel(deadline) }
    for each in asked.values { if let timer = each.timer { loop.cancel(timer) } }
    deadline = nil
    asked = [:]
    answering = [:]
    early = []
    note("closed", reason.description)
    tell(self, .closed(reason))
  }

  private func note(_ step: StaticString, _ detail: String = "") {
    context.log.debug(
      "mesh connection",
      [
        "peer": "\(id.number)", "address": remote.map(\.description) ?? "-", "step": "\(step)",
        "detail": detail,
      ]
    )
  }
}
