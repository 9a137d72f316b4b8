import EventLoop
import Kernel
import Mesh
import Synchronization

/// The stateless checks of what comes, on a worker: `StatelessChecker` with its memory of keys.
///
/// One batch at a time.
final class MessageChecks: Sendable {
  private let checker: Mutex<StatelessChecker>
  private let workers: Workers

  init(_ genesis: Genesis, workers: Workers) {
    checker = Mutex(StatelessChecker(genesis))
    self.workers = workers
  }

  /// Nil if the workers take no more, or have stopped.
  func check(_ messages: [MeshMessage]) async -> [Result<Verified<MeshMessage>, CheckFailure>]? {
    do {
      return try await workers.run { _ in
        var random = SystemRandomNumberGenerator()
        return self.checker.withLock { $0.check(messages, using: &random) }
      }
    } catch {
      return nil  // Full or stopped: the caller asks again, or is stopped too.
    }
  }
}

extension MeshNetwork {
  private struct Unchecked: Sendable {
    let peer: PeerID
    let message: MeshMessage
    let size: Int
  }

  /// Once all that has come in this turn of the loop is there.
  func askForChecks() {
    guard !isChecking, !areChecksAsked else { return }
    areChecksAsked = true
    loop.beforeWaiting {
      self.areChecksAsked = false
      self.startChecks()
    }
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
    let messages = batch.map(\.message)
    var results = await checks.check(messages)
    while results == nil {
      // Proofs fill the queue: what comes waits, and behind it the other ends.
      do { try await loop.sleep(for: .milliseconds(5)) } catch { return }
      results = await checks.check(messages)
    }
    isChecking = false
    if let results { settle(batch, results) }
    askForChecks()
  }

  /// One message of each connection in turn, up to a batch.
  private func gather() -> [Unchecked] {
    var batch: [Unchecked] = []
    let start =
      connections.firstIndex { connection in nextChecked.map { connection.id >= $0 } ?? true } ?? 0
    let order = connections[start...] + connections[..<start]
    while batch.count < Settings.batchMax {
      let before = batch.count
      for connection in order where batch.count < Settings.batchMax {
        guard let (message, size) = connection.unchecked.popFirst() else { continue }
        batch.append(Unchecked(peer: connection.id, message: message, size: size))
        nextChecked = PeerID(connection.id.number + 1)
      }
      if batch.count == before { break }
    }
    metrics.countBatch(batch.count)
    return batch
  }

  private func settle(
    _ batch: [Unchecked],
    _ results: [Result<Verified<MeshMessage>, CheckFailure>]
  ) {
    for (item, result) in zip(batch, results) {
      guard let connection = connection(item.peer) else { continue }
      switch result {
      case .success(let message):
        connection.undelivered.append((message, item.size))
        // In order: behind what waits already.
        if connection.undelivered.count == 1 { deliverWaiting(of: connection) }
      case .failure(let failure):
        refuse(item, failure, of: connection)
      }
    }
  }

  /// Says what was wrong with a request, and ends a connection that goes on like that.
  private func refuse(_ item: Unchecked, _ failure: CheckFailure, of connection: MeshConnection) {
    metrics.countRefused()
    log.debug(
      "mesh message refused",
      ["peer": "\(connection.id.number)", "reason": failure.description]
    )
    connection.finished(size: item.size)
    let farewell = Farewell(code: .protocolViolation, reason: failure.description)
    switch item.message {
    case .request(_, let exchange):
      connection.send(.response(.error(farewell), exchange))
    case .response(_, let exchange):
      // For the machine it is as if there had been no answer.
      connection.unchecked.append((.response(.error(farewell), exchange), 0))
    case .ping, .pong: break
    }
    connection.offences += 1
    if connection.offences == Settings.offencesMax {
      connection.expel(.rateLimited, "too many messages that prove nothing")
    }
  }

  /// Gives the machine what it has room for.
  func deliverWaiting(of connection: MeshConnection) {
    guard let sink else { return }
    while let (message, size) = connection.undelivered.first {
      if sink.deliver(message, connection.id, size) == .full { return }
      _ = connection.undelivered.popFirst()
      connection.finished(size: size)
    }
  }
}
