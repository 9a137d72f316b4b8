public import Kernel

/// A line of the agent to its caller: what happens on the way, and at last the answer or why there
/// is none.
///
/// One JSON object a line: `{"event":…,…}`, `{"answer":{…}}`, `{"error":{"code":…,"message":…}}`.
/// A caller sends one line, the command, and reads to the answer.
public enum AgentMessage: Equatable, Sendable {
  case event(JSON)
  case answer(JSON)
  case failure(WalletProblem)

  /// A command: an address, a memo, or a receipt in hexadecimal.
  static let commandBytesMax = 2 * Receipt.bytesMax + 1024
  /// An answer: a thousand entries of history, each with several payments.
  static let answerBytesMax = 16 << 20

  public var line: [UInt8] {
    let json: JSON =
      switch self {
      case .event(let event): event
      case .answer(let answer): ["answer": answer]
      case .failure(let problem):
        [
          "error": [
            "code": JSON(problem.code.rawValue), "message": JSON(problem.description),
          ]
        ]
      }
    return json.bytes() + [10]
  }

  /// Reads a line; nil if it is none of an agent.
  public init?(line: [UInt8]) {
    let limits = JSON.Limits(bytesMax: Self.answerBytesMax, valuesMax: 1_000_000)
    // Whatever is wrong with it: it is not what an agent says.
    guard let json = try? JSON(parsing: line, limits: limits) else { return nil }
    if json["event"]?.string != nil {
      self = .event(json)
    } else if let answer = json["answer"], answer.object != nil {
      self = .answer(answer)
    } else if let error = json["error"],
      let code = error["code"]?.string.flatMap({ WalletProblem.Code(rawValue: $0) }),
      let message = error["message"]?.string
    {
      self = .failure(WalletProblem(code, message))
    } else {
      return nil
    }
  }

  /// Reads a caller's line.
  public static func command(line: [UInt8]) throws(WalletProblem) -> WalletCommand {
    let json: JSON
    do throws(JSONFailure) {
      json = try JSON(parsing: line, limits: JSON.Limits(bytesMax: commandBytesMax))
    } catch {
      throw WalletProblem(.badCommand, "the agent was sent no command: \(error)")
    }
    return try WalletCommand(json)
  }
}
