public import EventLoop
public import Kernel
import Synchronization
import Transport

/// A caller of the agent: one command, and what it answers.
public enum AgentClient {
  /// Carries a command out at the agent.
  ///
  /// - Parameters:
  ///   - command: to be carried out.
  ///   - path: of the agent's socket.
  ///   - loop: where the connection lives meanwhile.
  ///   - tell: hears of progress.
  /// - Returns: the answer; nil if no agent is there.
  /// - Throws: `WalletProblem`: the agent's, or `agentFailed`.
  public static func perform(
    _ command: WalletCommand,
    at path: String,
    on loop: EventLoop,
    tell: @escaping MeshWalletService.Tell
  ) async throws -> JSON? {
    try await withCheckedThrowingContinuation { continuation in
      loop.execute {
        do {
          guard
            let connection = try LocalConnector.connect(to: path, on: loop, outboundMax: 4 << 20)
          else { return continuation.resume(returning: nil) }
          let call = Call(connection, untilEnd: command == .lock, tell: tell) {
            continuation.resume(with: $0)
          }
          connection.start(call)
          _ = connection.send(command.json.bytes() + [10])
          connection.requestRead()
        } catch {
          continuation.resume(throwing: WalletProblem(.agentFailed, "\(error)"))
        }
      }
    }
  }

  /// Whether an agent listens.
  public static func isThere(at path: String, on loop: EventLoop) async throws -> Bool {
    try await loop.run { () throws(SystemFailure) in
      guard let connection = try LocalConnector.connect(to: path, on: loop, outboundMax: 0) else {
        return false
      }
      connection.close(.local("only looked"))
      return true
    }
  }

  /// Belongs to the loop; kept by its connection.
  private final class Call: ConnectionHandler {
    private let connection: Connection
    private let tell: MeshWalletService.Tell
    private var finish: ((Result<JSON?, any Error>) -> Void)?
    private var reader = LineReader(bytesMax: AgentMessage.answerBytesMax)

    /// Whether the answer counts once the agent has ended.
    private let waitsForEnd: Bool
    private var answer: JSON?

    init(
      _ connection: Connection,
      untilEnd waitsForEnd: Bool,
      tell: @escaping MeshWalletService.Tell,
      finish: @escaping (Result<JSON?, any Error>) -> Void
    ) {
      self.connection = connection
      self.waitsForEnd = waitsForEnd
      self.tell = tell
      self.finish = finish
    }

    func received(_ bytes: RawSpan) {
      guard reader.append(bytes) else { return end(.failure(Self.nonsense)) }
      while finish != nil, let line = reader.next() {
        switch AgentMessage(line: line) {
        case .event(let event)?: tell(event)
        case .answer(let answer)?:
          if waitsForEnd { self.answer = answer } else { end(.success(answer)) }
        case .failure(let problem)?: end(.failure(problem))
        case nil: end(.failure(Self.nonsense))
        }
      }
      if finish != nil { connection.requestRead() }
    }

    func remoteFinished() {
      if let answer { return end(.success(answer)) }
      end(.failure(WalletProblem(.agentFailed, "the agent ended before it answered")))
    }

    func drained() {}

    func closed(_ reason: CloseReason) {
      if let answer { return end(.success(answer)) }
      end(.failure(WalletProblem(.agentFailed, "the agent's connection ended: \(reason)")))
    }

    private func end(_ result: Result<JSON?, any Error>) {
      guard let finish else { return }
      self.finish = nil
      finish(result)
      connection.close(.local("answered"))
    }

    private static let nonsense = WalletProblem(
      .agentFailed,
      "what listens at the agent's socket is not an agent of this version"
    )
  }
}
