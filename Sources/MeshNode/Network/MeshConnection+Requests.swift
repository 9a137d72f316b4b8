import EventLoop
import Kernel
import Mesh
import QUIC

/// Requests, each on a stream of its own: those of this end, and those of the other.
extension MeshConnection {
  // MARK: Requests of this end

  func mayOpenStreams() { startAsks() }

  func startAsks() {
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
  func fail(_ exchange: Exchange, _ code: CloseCode, _ reason: String) {
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

  func take(_ request: Request, _ stream: QUICStream, _ size: Int) {
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

  func answer(_ response: Response, _ exchange: Exchange) {
    guard let stream = answering[exchange.number] else { return }
    if stream.send(Frame.response(response).encoded) == .overflow {
      return refuse(stream, "it reads too slowly")
    }
    if case .event = response { return }
    answering[exchange.number] = nil
    stream.finish()
    closeIfDone()
  }
}
