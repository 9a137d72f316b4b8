import Service
import Synchronization
import Testing

@Suite("Commands: the tree, its flags and its help")
struct CommandTests {
  private static let to = Argument("to", .string, help: "The address paid")
  private static let amount = Argument("amount", .integer(1...UInt64.max), help: "In raw")
  private static let notes = Argument("notes", .list(of: .string), default: [], help: "Any words")

  /// Keeps the last call and what was printed, so that a test can look at them.
  private final class Calls: Sendable {
    let last = Mutex<Invocation?>(nil)
    let output = Mutex("")
    let errors = Mutex("")
  }

  private func program(_ calls: Calls, problem: String? = nil) -> Program {
    let record: Command.Run = { call in calls.last.withLock { $0 = call } }
    return Program(
      version: "1.2.3",
      environmentPrefix: "EXAMPLE_",
      configuration: Example.table,
      root: Command(
        "example",
        summary: "Show how commands are declared",
        options: [Example.config],
        subcommands: [
          Command(
            "node",
            summary: "The node",
            subcommands: [
              Command("run", summary: "Run a node", options: Example.table.dropLast(), run: record)
            ]
          ),
          Command(
            "send",
            summary: "Pay somebody",
            discussion: "The payment is final once it is confirmed.",
            examples: [Command.Example("example send smn_1 5", "Pay 5 raw")],
            options: [Example.json],
            arguments: [Self.to, Self.amount, Self.notes],
            run: record
          ),
          Command("fail", summary: "Fail") { _ in throw CommandFailure("no luck", status: 7) },
        ]
      ),
      problem: { problem }
    )
  }

  private struct Outcome {
    let status: Int32
    let call: Invocation?
    let output: String
    let errors: String
  }

  private func run(
    _ words: [String],
    _ environment: [String: String] = [:],
    problem: String? = nil
  ) async -> Outcome {
    let calls = Calls()
    let terminal = Terminal(
      output: { text in calls.output.withLock { $0 += text } },
      errors: { text in calls.errors.withLock { $0 += text } }
    )
    let status = await program(calls, problem: problem).run(
      arguments: words,
      environment: environment,
      terminal: terminal
    )
    return Outcome(
      status: status,
      call: calls.last.withLock { $0 },
      output: calls.output.withLock { $0 },
      errors: calls.errors.withLock { $0 }
    )
  }

  private func failure(_ words: [String], _ environment: [String: String] = [:]) -> String? {
    #expect(throws: UsageFailure.self) {
      try program(Calls()).check(words, environment: environment)
    }?.description
  }

  @Test("Flags are taken in both forms, anywhere after their command")
  func flags() async throws {
    let call = try #require(
      await run([
        "--config=/etc/x", "node", "run", "--rpc-port", "8000", "--network=beta", "--enable-voting",
        "--peer-seeds", "a.example", "--peer-seeds=b.example:1,c.example",
      ]).call
    )
    #expect(call.path == "example node run")
    #expect(call[Example.config] == "/etc/x")
    #expect(call[Example.port] == 8000)
    #expect(call[Example.network] == .beta)
    #expect(call[Example.voting])
    #expect(call[Example.seeds].map(\.host) == ["a.example", "b.example", "c.example"])
    #expect(call.settings.source(of: Example.port) == .flag("--rpc-port"))
  }

  @Test("A machine that cannot run the program is told so before anything runs")
  func problem() async {
    for words in [["send", "smn_1", "5"], ["--help"], ["--version"]] {
      let outcome = await run(words, problem: "no such processor")
      #expect(outcome.status == 2)
      #expect(outcome.call == nil)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors == "error: no such processor\n")
    }
  }

  @Test("A flag goes before a variable, a variable before the file, the file before the default")
  func precedence() async throws {
    let environment = ["EXAMPLE_RPC_PORT": "2", "EXAMPLE_MAX_PEERS": "2", "OTHER": "1"]
    let call = try #require(await run(["node", "run", "--rpc-port", "3"], environment).call)
    let file = Array("rpc_port = 1\nmax_peers = 1\nlabel = \"f\"".utf8)
    let settings = try call.settings.applying(file: file, path: "c.toml")
    #expect(settings[Example.port] == 3)
    #expect(settings[Example.peers] == 2)
    #expect(settings[Example.label] == "f")
    #expect(settings[Example.voting] == false)
    #expect(settings.source(of: Example.peers) == .environment(variable: "EXAMPLE_MAX_PEERS"))
  }

  @Test("Every command reads the whole configuration, also what it takes no flag for")
  func configuration() async throws {
    let call = try #require(await run(["send", "x", "1"], ["EXAMPLE_RPC_PORT": "9"]).call)
    #expect(call[Example.port] == 9)
    #expect(call[Example.json] == false)
  }

  @Test("Arguments are typed; a list takes the rest; -- ends the flags")
  func arguments() async throws {
    let call = try #require(await run(["send", "--json", "smn_1", "5", "--", "a", "--b"]).call)
    #expect(call[Self.to] == "smn_1")
    #expect(call[Self.amount] == 5)
    #expect(call[Self.notes] == ["a", "--b"])
    #expect(call[Example.json])
    #expect(try #require(await run(["send", "-", "5"]).call)[Self.notes] == [])
  }

  @Test(
    "Each wrong call says what is wrong and what was meant",
    arguments: [
      (["node", "run", "--rpc-prot", "1"], "unknown flag --rpc-prot; did you mean --rpc-port?"),
      (["node", "run", "--zzz"], "unknown flag --zzz"),
      (["send", "--rpc-port", "1"], "unknown flag --rpc-port"),
      (["node", "run", "-p"], "unknown flag -p"),
      (["node", "run", "--rpc-port"], "--rpc-port needs a value: --rpc-port PORT"),
      (["node", "run", "--rpc-port", "--json"], "--rpc-port needs a value: --rpc-port PORT"),
      (["node", "run", "--rpc-port=1", "--rpc-port=2"], "--rpc-port is given twice; keep one"),
      (
        ["node", "run", "--rpc-port", "x"],
        "--rpc-port: rpc_port should be a whole number from 0 to 65535, not 'x'"
      ),
      (
        ["node", "run", "--rpc-port="],
        "--rpc-port: rpc_port should be a whole number from 0 to 65535, not ''"
      ),
      (
        ["node", "run", "--enable-voting=yes"],
        "--enable-voting: enable_voting should be true or false, not 'yes'"
      ),
      (["nod"], "'nod' is no command of example; did you mean node?"),
      (["node", "stop"], "'stop' is no command of example node"),
      ([], "example needs a command: node, send, fail"),
      (["node"], "example node needs a command: run"),
      (["send", "a"], "<amount> is missing"),
      (
        ["send", "a", "0"],
        "example send: <amount> should be a whole number from 1 to 18446744073709551615, not '0'"
      ),
      (["node", "run", "x"], "unexpected 'x' at the end"),
      (["node", "--version"], "unknown flag --version"),
    ]
  )
  func mistakes(words: [String], message: String) async {
    #expect(failure(words) == message)
    let outcome = await run(words)
    #expect(outcome.status == 2)
    #expect(outcome.errors.hasPrefix("error: \(message)\nTry 'example"))
    #expect(outcome.output.isEmpty)
    #expect(outcome.call == nil)
  }

  @Test("A bad variable is named")
  func variable() {
    #expect(
      failure(["node", "run"], ["EXAMPLE_RPC_PORT": "x"])
        == "EXAMPLE_RPC_PORT: rpc_port should be a whole number from 0 to 65535, not 'x'"
    )
  }

  @Test("An unknown variable with our prefix is a warning")
  func unknownVariable() async throws {
    let call = try #require(await run(["node", "run"], ["EXAMPLE_RPC_PROT": "1"]).call)
    #expect(
      call.settings.warnings
        == ["unknown variable EXAMPLE_RPC_PROT; did you mean EXAMPLE_RPC_PORT?"]
    )
  }

  @Test("A command's own failure decides the exit status")
  func status() async {
    let failed = await run(["fail"])
    #expect(failed.status == 7)
    #expect(failed.errors == "error: no luck\n")
    #expect(await run(["send", "a", "1"]).status == 0)
    #expect(await run(["--version"]).output == "example 1.2.3\n")
    let help = await run(["send", "--help", "nonsense"])
    #expect(help.status == 0)
    #expect(help.output.hasPrefix("Usage: example send"))
    #expect(help.errors.isEmpty)
  }

  @Test("Help of a group lists its commands")
  func groupHelp() {
    #expect(
      program(Calls()).help(for: []) == """
        Usage: example <command>

        Show how commands are declared.

        Commands:
          node  The node
          send  Pay somebody
          fail  Fail

        Options:
          --config PATH  The configuration file [EXAMPLE_CONFIG]

        General:
          --help, -h  Show this help
          --version   Show the version

        """
    )
  }

  @Test("Help of a command shows arguments, flags, variables, defaults and examples")
  func commandHelp() {
    #expect(
      program(Calls()).help(for: ["send"]) == """
        Usage: example send <to> <amount> [<notes>…] [options]

        Pay somebody.

        The payment is final once it is confirmed.

        Arguments:
          <to>        The address paid
          <amount>    In raw (1 to 18446744073709551615)
          [<notes>…]  Any words

        Options:
          --config PATH  The configuration file [EXAMPLE_CONFIG]
          --json         Print JSON

        General:
          --help, -h  Show this help

        Examples:
          example send smn_1 5
              Pay 5 raw

        """
    )
    let node = program(Calls()).help(for: ["node", "run"])
    #expect(
      node?.contains(
        "  --rpc-port PORT  TCP port of the RPC server (0 to 65535) [default 7177, EXAMPLE_RPC_PORT]\n"
      ) == true
    )
    #expect(node?.split(separator: "\n").allSatisfy { $0.count <= 100 } == true)
  }
}
