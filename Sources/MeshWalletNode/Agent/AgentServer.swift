public import EventLoop
import Kernel
import Synchronization
import Transport

/// An unlocked wallet behind a socket that only its owner can reach.
///
/// Keys never leave the process: callers send commands and get answers. It ends when it is told to
/// lock, when its time is over, or when the wallet's state fails.
public actor AgentServer {
  public nonisolated let loop: EventLoop
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let service: MeshWalletService
  private var listener: LocalListener?
  private var sessions: [Int: AgentSession] = [:]
  private var lastSession = 0
  private var ending: CheckedContinuation<Void, Never>?
  private var hasEnded = false

  /// Callers at a time: scripts and a few who watch.
  static let sessionsMax = 64

  /// An agent that does not listen yet, on the service's own loop.
  public init(_ service: MeshWalletService) {
    self.service = service
    loop = service.loop
  }

  /// Listens from now on.
  ///
  /// - Parameters:
  ///   - path: of the socket.
  ///   - timeout: after which the wallet is locked.
  /// - Throws: `SystemFailure` if the socket cannot be had.
  public func start(at path: String, timeout: Duration) throws {
    listener = try LocalListener(at: path, on: loop, outboundMax: AgentMessage.answerBytesMax) {
      [unowned self] connection in
      // It stays on its loop, which is this actor's.
      nonisolated(unsafe) let connection = connection
      assumeIsolated { $0.accept(connection) }
    }
    loop.schedule(after: timeout) { self.end() }
  }

  /// Returns when the wallet is to be locked.
  public func untilLocked() async {
    await withCheckedContinuation { continuation in
      if hasEnded { continuation.resume() } else { ending = continuation }
    }
  }

  /// Locks: nobody is answered any more.
  public func end() {
    guard !hasEnded else { return }
    hasEnded = true
    listener?.close()
    ending?.resume()
    ending = nil
  }

  private func accept(_ connection: Connection) {
    sessions = sessions.filter { $1.isOpen }
    guard sessions.count < Self.sessionsMax, !hasEnded else { return }
    lastSession += 1
    let number = lastSession
    let session = AgentSession(connection) { [unowned self] line in
      assumeIsolated { $0.begin(line, of: number) }
    }
    sessions[number] = session
    connection.start(session)
    connection.requestRead()
  }

  private func begin(_ line: [UInt8], of number: Int) {
    guard let session = sessions[number] else { return }
    do throws(WalletProblem) {
      let command = try AgentMessage.command(line: line)
      if command == .lock {
        // The connection ends with this process: then the wallet is free for others.
        session.onSent = { [unowned self] in assumeIsolated { $0.end() } }
        return session.send(.answer(["locked": true]))
      }
      let task = Task { await answer(command, of: number) }
      // Money moves on whether or not somebody waits; who only watches has left.
      if command == .watch { session.onClose = { task.cancel() } }
    } catch {
      session.finish(with: .failure(error))
    }
  }

  private func answer(_ command: WalletCommand, of number: Int) async {
    let last: AgentMessage
    do {
      // Told on the service's loop, which is this one.
      let answer = try await service.perform(command) { [weak self] event in
        self?.assumeIsolated { $0.sessions[number]?.send(.event(event)) }
      }
      last = .answer(answer)
    } catch let problem as WalletProblem {
      last = .failure(problem)
    } catch {
      last = .failure(WalletProblem(.agentFailed, "\(error)"))
    }
    sessions.removeValue(forKey: number)?.finish(with: last)
  }
}

/// One caller: a line in, lines out.
///
/// Belongs to the agent's loop.
private final class AgentSession: ConnectionHandler {
  private let connection: Connection
  private var reader = LineReader(bytesMax: AgentMessage.commandBytesMax)
  private var take: (@Sendable ([UInt8]) -> Void)?
  var onClose: (() -> Void)?
  /// Once what was sent has left, or cannot any more.
  var onSent: (() -> Void)?

  init(_ connection: Connection, take: @escaping @Sendable ([UInt8]) -> Void) {
    self.connection = connection
    self.take = take
    connection.setDeadline(after: Self.commandTimeout, missing: "command")
  }

  private static let commandTimeout = Duration.seconds(10)

  var isOpen: Bool { connection.isOpen }

  func send(_ message: AgentMessage) {
    // Who does not read his events misses his answer.
    if connection.send(message.line) == .overflow {
      connection.close(.local("it reads too slowly"))
    }
  }

  func finish(with message: AgentMessage) {
    send(message)
    connection.finish()
  }

  func received(_ bytes: RawSpan) {
    guard reader.append(bytes) else { return connection.close(.local("a line without an end")) }
    guard let line = reader.next() else { return connection.requestRead() }
    connection.clearDeadline()
    take.take()?(line)
    // To hear of the end.
    connection.requestRead()
  }

  func remoteFinished() {
    onClose?()
    onClose = nil
    if take != nil { connection.close(.remote) }
  }

  func drained() { onSent.take()?() }

  func closed(_ reason: CloseReason) {
    take = nil
    onSent.take()?()
    onClose?()
    onClose = nil
  }
}
