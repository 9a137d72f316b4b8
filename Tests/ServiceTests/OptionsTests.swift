import Kernel
import Service
import Testing

/// A small program with every kind of option.
enum Example {
  enum Network: String, CaseIterable { case main, beta, dev }

  static let port = Option(
    "rpc_port",
    .port,
    default: 7177,
    group: "RPC",
    help: "TCP port of the RPC server"
  )
  static let network = Option(
    "network",
    OptionType<Network>.choice,
    default: .dev,
    help: "Which ledger to join"
  )
  static let voting = Option(
    "enable_voting",
    .boolean,
    default: false,
    help: "Vote if a key is unlocked"
  )
  static let peers = Option(
    "max_peers",
    .integer(1...1000),
    default: 50,
    help: "Peers at most"
  )
  static let seeds = Option(
    "peer_seeds",
    .list(of: .hostPort(defaultPort: 7176)),
    default: [],
    help: "Peers to start with"
  )
  static let external = Option(
    "external_address",
    .optional(.hostPort()),
    default: nil,
    help: "Where others reach this node"
  )
  static let listen = Option(
    "listen_address",
    .ipAddress,
    default: "127.0.0.1",
    help: "Address to listen on"
  )
  static let timeout = Option(
    "timeout",
    .duration(.seconds(1)...(.seconds(3600))),
    default: .seconds(30),
    help: "How long to wait"
  )
  static let label = Option("label", .string, default: "a \"node\"", help: "A name for logs")
  static let config = Option(
    "config",
    .optional(.path),
    default: nil,
    scope: .notInFile,
    help: "The configuration file"
  )
  static let json = Option(
    "json",
    .boolean,
    default: false,
    scope: .commandLine,
    help: "Print JSON"
  )

  static let table: [any DeclaredOption] = [
    network, port, voting, peers, seeds, external, listen, timeout, label, config,
  ]
}

@Suite("Options: one declaration, four sources")
struct OptionsTests {
  private func settings(file text: String) throws -> Settings {
    try Settings(Example.table).applying(file: Array(text.utf8), path: "c.toml")
  }

  @Test("Defaults hold if nothing is given")
  func defaults() {
    let settings = Settings(Example.table)
    #expect(settings[Example.port] == 7177)
    #expect(settings[Example.network] == .dev)
    #expect(settings[Example.seeds].isEmpty)
    #expect(settings[Example.external] == nil)
    #expect(settings[Example.timeout] == .seconds(30))
    #expect(settings.source(of: Example.port) == .standard)
  }

  @Test("A file sets every kind of value, and the source names the line")
  func file() throws {
    let settings = try settings(
      file: """
        rpc_port = 7_000
        network = "beta"
        enable_voting = true
        peer_seeds = ["node.example", "[2001:db8::7]:1"]
        external_address = "192.0.2.7:7176"
        timeout = "2m"
        """
    )
    #expect(settings[Example.port] == 7000)
    #expect(settings[Example.network] == .beta)
    #expect(settings[Example.voting])
    #expect(
      settings[Example.seeds] == [
        HostPort(host: "node.example", port: 7176), HostPort(host: "2001:db8::7", port: 1),
      ]
    )
    #expect(settings[Example.external] == HostPort(host: "192.0.2.7", port: 7176))
    #expect(settings[Example.timeout] == .seconds(120))
    #expect(settings.source(of: Example.timeout) == .file(path: "c.toml", line: 6))
  }

  @Test(
    "A file's mistakes are named with their line",
    arguments: [
      ("\nrpc_prot = 1", "c.toml:2: unknown key 'rpc_prot'; did you mean rpc_port?"),
      ("zzz = 1", "c.toml:1: unknown key 'zzz'"),
      ("config = \"x\"", "c.toml:1: unknown key 'config'"),
      ("# x\n\n[rpc]\nport = 1", "c.toml:3: unknown table [rpc]; all keys stand without one"),
      (
        "rpc_port = \"7177\"",
        "c.toml:1: rpc_port should be a whole number from 0 to 65535, without quotes, not \"7177\""
      ),
      (
        "rpc_port = 70000",
        "c.toml:1: rpc_port should be a whole number from 0 to 65535, not 70000"
      ),
      (
        "max_peers = 0", "c.toml:1: max_peers should be a whole number from 1 to 1000, not 0"
      ),
      (
        "enable_voting = 1",
        "c.toml:1: enable_voting should be true or false, without quotes, not 1"
      ),
      ("network = \"test\"", "c.toml:1: network should be main, beta or dev, not \"test\""),
      ("network = 1", "c.toml:1: network should be a string in quotes, not 1"),
      (
        "peer_seeds = [\n\"a.example\",\n1]",
        "c.toml:3: peer_seeds should be a string in quotes in the array,"
          + " not [\"a.example\", 1]"
      ),
      (
        "peer_seeds = \"a\"",
        "c.toml:1: peer_seeds should be an array, for example [\"a\", \"b\"], not \"a\""
      ),
      (
        "listen_address = \"localhost\"",
        "c.toml:1: listen_address should be an IP address, for example 127.0.0.1 or ::1,"
          + " not \"localhost\""
      ),
      (
        "timeout = \"5\"",
        "c.toml:1: timeout should be a duration from 1s to 1h, for example 500ms, 30s, 5m or 2h,"
          + " not \"5\""
      ),
      ("rpc_port = ", "c.toml:1: column 12: expected a value, found the end of the file"),
      (
        "rpc_port = 1\nrpc_port = 1",
        "c.toml:2: column 1: 'rpc_port' is set already, on line 1; keep one of the two"
      ),
    ]
  )
  func fileMistakes(text: String, message: String) {
    let failure = #expect(throws: UsageFailure.self) { try settings(file: text) }
    #expect(failure?.description == message)
  }

  @Test("What is written is read back equal, and explains itself")
  func rendering() throws {
    let standard = Settings(Example.table)
    let text = standard.renderConfigFile(heading: ["An example."])
    #expect(
      text == """
        # An example.
        network = "dev"               # Which ledger to join (main, beta or dev)

        # RPC
        rpc_port = 7177               # TCP port of the RPC server (0 to 65535)

        enable_voting = false         # Vote if a key is unlocked
        max_peers = 50                # Peers at most (1 to 1000)
        peer_seeds = []               # Peers to start with
        # external_address = ""       # Where others reach this node
        listen_address = "127.0.0.1"  # Address to listen on (IPv4 or IPv6)
        timeout = "30s"               # How long to wait (1s to 1h)
        label = "a \\"node\\""          # A name for logs

        """
    )
    let read = try settings(file: text)
    #expect(read.renderConfigFile(heading: ["An example."]) == text)
    // Also what operators do: take the # away.
    _ = try settings(file: text.replacing("# external", with: "external"))

    let changed = try settings(
      file: """
        peer_seeds = ["a.example:1", "[::1]:2"]
        timeout = "1500ms"
        external_address = "b.example:3"
        """
    )
    let again = try settings(file: changed.renderConfigFile())
    #expect(again[Example.seeds] == changed[Example.seeds])
    #expect(again[Example.timeout] == .milliseconds(1500))
    #expect(again[Example.external] == changed[Example.external])
  }

  @Test("Effective values are shown with their source")
  func effective() throws {
    let settings = try settings(file: "\nmax_peers = 7")
    let lines = settings.renderEffective().split(separator: "\n")
    #expect(lines.contains("max_peers = 7                 # c.toml:2"))
    #expect(lines.contains("rpc_port = 7177               # default"))
  }

  @Test(
    "Hosts and ports",
    arguments: [
      ("192.0.2.7:7176", "192.0.2.7:7176"), ("[::1]:1", "[::1]:1"),
      ("a-b.example:65535", "a-b.example:65535"),
      ("192.0.2.7", "192.0.2.7:99"), ("::1", "[::1]:99"), ("[::1]", "[::1]:99"),
      ("localhost", "localhost:99"),
      ("", nil), (":1", nil), ("a:", nil), ("a:0", nil), ("a:65536", nil), ("a:-1", nil),
      ("a:+1", nil),
      ("a:01", nil), ("a: 1", nil), ("a b:1", nil), ("::1:x", nil), ("[::1", nil), ("[a]:1", nil),
      ("[::1]1", nil), ("1.2.3:1", nil), ("1.2.3.256:1", nil), ("-a:1", nil), ("a..b:1", nil),
      ("a.:1", nil), ("a:1:2", nil), ("a\0:1", nil), ("é:1", nil), ("[192.0.2.7]:1", nil),
    ] as [(String, String?)]
  )
  func hostPort(text: String, expected: String?) {
    #expect(HostPort(text, defaultPort: 99)?.description == expected)
  }
}
