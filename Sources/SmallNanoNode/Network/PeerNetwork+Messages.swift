import EventLoop
import Kernel
import Service
import SmallNano
import Transport

/// What peers say, on its way to the machine.
extension PeerNetwork {
  /// Sorts a message: the connection's own affairs end here, questions go to the ledger's reader,
  /// the rest is checked for the machine.
  func take(
    _ message: WireMessage,
    _ frame: PeerSession.IncomingFrame,
    from session: PeerSession
  ) {
    metrics.countReceived(message.type)
    switch message {
    case .handshake, .handshakeAck:
      session.close(.refused("it greets a second time", kind: "handshake"))
    case .keepalive(let keepalive):
      learn(keepalive, from: session)
      session.finished(size: frame.size)
    case .telemetryRequest:
      if let telemetry { session.send(.telemetry(telemetry)) }
      session.finished(size: frame.size)
    case .telemetry(let telemetry):
      session.telemetry = telemetry
      session.finished(size: frame.size)
    case .pullRequest, .frontierRequest, .receivablesRequest:
      session.questions.append((message, frame.size))
      answerNext(of: session)
    case .publish, .vote:
      guard filter.insert(frame.key, now: loop.now) else {
        metrics.duplicates.add()
        return session.finished(size: frame.size)
      }
      check(message, frame, of: session)
    case .confirmRequest, .blockRequest, .representativeHello, .pullResponse, .frontierResponse,
      .receivablesResponse:
      check(message, frame, of: session)
    }
  }

  private var telemetry: Telemetry? {
    guard let totals = sink?.totals() else { return nil }
    return Telemetry(
      blocks: totals.blocks,
      confirmedBlocks: totals.confirmedBlocks,
      accounts: totals.accounts,
      peers: UInt32(clamping: greetedCount),
      pruningDepth: settings.pruningDepth,
      uptimeSeconds: UInt64(max(0, (loop.now - settings.startedAt).wholeMilliseconds)) / 1000,
      version: settings.version
    )
  }

  // MARK: Questions

  /// Answers a session's next question, if it has one and takes its answers.
  func answerNext(of session: PeerSession) {
    guard !session.isAnswering, let sink,
      session.connection.pendingBytes <= Settings.answerBacklogMax,
      let (question, size) = session.questions.popFirst()
    else { return }
    session.isAnswering = true
    let id = session.id
    Task(executorPreference: loop) {
      await self.answer(question, size: size, of: id, by: sink)
    }
  }

  private func answer(
    _ question: WireMessage,
    size: Int,
    of peer: PeerID,
    by sink: PeerSink
  ) async {
    var answer: WireMessage?
    do {
      answer = try await sink.answer(question)
    } catch {
      // Too many ask at once, or the file fails, which the writer reports: the peer asks others.
      log.debug("question not answered", ["problem": "\(error)"])
    }
    guard let session = session(peer) else { return }
    session.isAnswering = false
    if let answer { session.send(answer) }
    session.finished(size: size)
    answerNext(of: session)
  }

  // MARK: Checks

  private func check(
    _ message: WireMessage,
    _ frame: PeerSession.IncomingFrame,
    of session: PeerSession
  ) {
    session.unchecked.append((message, frame))
    askForChecks()
  }

  /// Once all that has come in this turn of the loop is there.
  private func askForChecks() {
    guard !isChecking, !areChecksAsked else { return }
    areChecksAsked = true
    loop.beforeWaiting {
      self.areChecksAsked = false
      self.startChecks()
    }
  }

  private struct Unchecked: Sendable {
    let peer: PeerID
    let message: WireMessage
    let frame: PeerSession.IncomingFrame
  }

  /// Checks a batch on a worker; meanwhile the next one gathers.
  private func startChecks() {
    guard !isChecking else { return }
    let batch = gather()
    guard !batch.isEmpty else { return }
    isChecking = true
    Task(executorPreference: loop) { await self.check(batch) }
  }

  private func check(_ batch: [Unchecked]) async {
    let checker = self.checker
    let messages = batch.map(\.message)
    let results = try? await checkWorkers.run { _ in
      var random = SystemRandomNumberGenerator()
      return checker.check(messages, using: &random)
    }
    isChecking = false
    // No result only when the workers have stopped, and with them the node.
    if let results { settle(batch, results) }
    askForChecks()
  }

  /// One message of each peer in turn, up to a batch.
  private func gather() -> [Unchecked] {
    var batch: [Unchecked] = []
    let start = sessions.firstIndex { session in nextChecked.map { session.id >= $0 } ?? true } ?? 0
    let order = sessions[start...] + sessions[..<start]
    while batch.count < Settings.batchMax {
      let before = batch.count
      for session in order where batch.count < Settings.batchMax {
        guard let (message, frame) = session.unchecked.popFirst() else { continue }
        batch.append(Unchecked(peer: session.id, message: message, frame: frame))
        nextChecked = PeerID(session.id.number + 1)
      }
      if batch.count == before { break }
    }
    return batch
  }

  private func settle(_ batch: [Unchecked], _ results: [Result<PeerMessage, CheckFailure>]) {
    for (item, result) in zip(batch, results) {
      guard let session = session(item.peer) else {
        forget(item.message, item.frame)
        continue
      }
      switch result {
      case .success(let message):
        session.undelivered.append((message, item.frame.size))
        // In order: behind what waits already.
        if session.undelivered.count == 1 { deliverWaiting(of: session) }
      case .failure(let failure):
        session.close(.refused(failure.description, kind: "check"))
      }
    }
  }

  /// Gives the machine what it has room for.
  func deliverWaiting(of session: PeerSession) {
    guard let sink else { return }
    while let (message, size) = session.undelivered.first {
      if sink.deliver(message, session.id, size) == .full { return }
      _ = session.undelivered.popFirst()
      session.finished(size: size)
    }
  }

  // MARK: Forgetting

  /// Others may still tell what a lost session said and nobody looked at.
  func forgetUnchecked(of session: PeerSession) {
    while let (message, frame) = session.unchecked.popFirst() { forget(message, frame) }
  }

  private func forget(_ message: WireMessage, _ frame: PeerSession.IncomingFrame) {
    switch message {
    case .publish, .vote: filter.remove(frame.key)
    default: break
    }
  }
}
