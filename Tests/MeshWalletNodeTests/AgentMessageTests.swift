import Kernel
import Mesh
import Testing

@testable import MeshWalletNode

@Suite("What a caller and the agent say") struct AgentMessageTests {
  static let commands: [WalletCommand] = [
    .balance, .resync, .watch, .lock, .history(1), .history(WalletCommand.historyMax),
    .send(to: "tmesh1q", amount: Amount(.max), memo: "\u{0}\n\u{1b}", wantsReceipt: true),
    .send(to: "", amount: .zero, memo: nil, wantsReceipt: false),
    .receive(nil, wantsReceipt: true), .receive(TransitionHash(.zero), wantsReceipt: false),
    .openReceipt([0, 255]),
  ]

  @Test("A command comes back from its line", arguments: commands)
  func commandLine(command: WalletCommand) throws {
    #expect(try AgentMessage.command(line: command.json.bytes()) == command)
  }

  @Test("A command with a member too many, too few or of another kind is refused")
  func strictness() throws {
    for command in Self.commands {
      let whole = try #require(command.json.object)
      var more = whole
      more["extra"] = true
      #expect(problem { try WalletCommand(.object(more)) } == .badCommand)
      for member in whole.members {
        var less = whole
        less[member.key] = nil
        #expect(problem { try WalletCommand(.object(less)) } == .badCommand)
        var other = whole
        other[member.key] = ["x": 1]
        #expect(problem { try WalletCommand(.object(other)) } == .badCommand)
      }
    }
    for line in [
      "", "[]", "null", "{\"command\":\"spend\"}", "{\"command\":\"history\",\"count\":0}",
    ] {
      #expect(problem { try AgentMessage.command(line: Array(line.utf8)) } == .badCommand)
    }
  }

  @Test("An agent's line comes back") func agentLines() {
    let messages: [AgentMessage] = [
      .event(["event": "vote", "votes": 2]), .answer(["balance": "1"]),
      .failure(WalletProblem(.insufficientFunds, "not \"enough\"\n")),
    ]
    for message in messages {
      #expect(message.line.last == 10)
      #expect(message.line.dropLast().contains(10) == false)
      #expect(AgentMessage(line: Array(message.line.dropLast())) == message)
    }
    for line in ["", "{}", "{\"answer\":1}", "{\"error\":{\"code\":\"?\",\"message\":\"\"}}"] {
      #expect(AgentMessage(line: Array(line.utf8)) == nil)
    }
  }

  @Test("Lines are cut however the bytes come, and one without an end is refused")
  func lines() {
    let text = Array("one\n\nthree\nrest".utf8)
    for size in 1...text.count {
      var reader = LineReader(bytesMax: 16)
      var lines: [[UInt8]] = []
      for start in stride(from: 0, to: text.count, by: size) {
        let piece = Array(text[start..<min(start + size, text.count)])
        let isTaken = reader.append(piece.span.bytes)
        #expect(isTaken)
        while let line = reader.next() { lines.append(line) }
      }
      #expect(lines == [Array("one".utf8), [], Array("three".utf8)])
    }
    var reader = LineReader(bytesMax: 4)
    let short: [UInt8] = [1, 2, 3, 4]
    let isShortTaken = reader.append(short.span.bytes)
    #expect(isShortTaken)
    let isMoreTaken = reader.append(short.span.bytes)
    #expect(!isMoreTaken)
  }
}
