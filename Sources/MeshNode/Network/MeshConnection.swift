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
  var peer: MeshPeer?
  let startedAt: Instant
  var greetedAt: Instant?
  /// Checked messages that the machine's inbox had no room for.
  var undelivered = RingBuffer<(message: Verified<MeshMessage>, size: Int)>()
  /// Messages that wait for their checks.
  var unchecked = RingBuffer<(message: MeshMessage, size: Int)>()
  /// Messages whose checks failed.
  var offences = 0

  let loop: EventLoop
  let tell: (MeshConnection, Happening) -> Void
  var quic: QUICConnection?
  var control: FrameStream?
  var deadline: Timer?
  /// Why it ends, once nothing more that comes counts.
  var ending: Farewell?
  /// Why this end leaves: it asks and answers nothing new, and closes when all is answered.
  var leaving: Farewell?
  /// Bytes of messages taken and not done with.
  var outstanding = 0

  // Requests of this end.
  var waitingAsks = RingBuffer<(request: Request, exchange: Exchange)>()
  var asked: [UInt64: Asked] = [:]
  var isPeerLeaving = false

  // Requests of the other end.
  var answering: [UInt64: QUICStream] = [:]
  var early: [(request: Request, stream: QUICStream, size: Int)] = []
  /// Those of them that never end.
  var subscribed: Set<UInt64> = []

  /// A request on its stream.
  struct Asked {
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

  // MARK: The control stream

  func handle(_ happening: FrameStream.Happening, of stream: FrameStream) {
    switch happening {
    case .frame(let frame, let size):
      handle(frame, size)
      if outstanding < Self.outstandingMax { stream.readOn() }
    case .finished: end(.protocolViolation, "the control stream has ended")
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

  func pass(_ message: MeshMessage, _ size: Int) {
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

  func closeIfDone() {
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

  func end(_ failure: FrameFailure) { end(failure.code, failure.description) }

  func end(_ code: CloseCode, _ reason: String) {
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

  func note(_ step: StaticString, _ detail: String = "") {
    context.log.debug(
      "mesh connection",
      [
        "peer": "\(id.number)", "address": remote.map(\.description) ?? "-", "step": "\(step)",
        "detail": detail,
      ]
    )
  }
}
