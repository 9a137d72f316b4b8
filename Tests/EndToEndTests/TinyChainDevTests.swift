import Foundation
import Testing

/// A dev node with a wallet in its directory, and the commands that talk to it.
private struct DevChain {
  let place: TemporaryPlace
  let node: DevNodeProcess
  private let passwordFile: String

  init(_ place: TemporaryPlace) throws {
    self.place = place
    node = try DevNodeProcess(data: place.path)
    passwordFile = "\(place.path)/password"
    _ = FileManager.default.createFile(
      atPath: passwordFile,
      contents: Data("a password\n".utf8),
      attributes: [.posixPermissions: 0o600]
    )
  }

  static func example(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "examples/\(name)").path
  }

  /// What a command prints, without the last newline.
  @discardableResult
  func run(_ arguments: String..., from: String? = nil) throws -> String {
    let outcome = try outcome(arguments, from: from)
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return outcome.output.trimmingCharacters(in: .newlines)
  }

  func outcome(_ arguments: [String], from: String? = nil) throws -> Programs.Outcome {
    var words = arguments + ["--data-dir", place.path]
    if let from { words += ["--from", from] }
    if from != nil || arguments.starts(with: ["wallet", "new"]) {
      words += ["--password-file", passwordFile]
    }
    return try Programs.run("tinychain", words)
  }
}

@Suite("tinychain dev: accounts, contracts, proofs", .timeLimit(.minutes(5)))
struct TinyChainDevTests {
  @Test("Accounts are funded, contracts of both languages deployed and called, all of it shown")
  func story() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let chain = try DevChain(place)
    defer { chain.node.end(with: SIGKILL) }
    let alice = try chain.run("wallet", "new", "alice")
    #expect(alice.hasPrefix("ttiny1"))
    try chain.run("wallet", "new", "bob")
    try chain.run("wallet", "send", "alice", "50000000", from: "faucet")
    #expect(try chain.run("wallet", "list").contains("alice  \(alice)  50000000 units"))

    let counter = try chain.run("deploy", DevChain.example("brainfuck/counter.asm"), from: "alice")
    #expect(try chain.run("call", counter, from: "alice") == "0x0100")
    #expect(try chain.run("call", counter, from: "alice") == "0x0200")
    #expect(try chain.run("call", counter, "--view") == "0x0300")
    #expect(try chain.run("call", counter, "--view") == "0x0300")

    let token = try chain.run(
      "deploy",
      DevChain.example("lisp/token.lisp"),
      "@alice",
      "1000",
      from: "alice"
    )
    try chain.run("call", token, "(transfer @bob 5)", from: "alice")
    #expect(try chain.run("call", token, "(balance @bob)", "--view") == "5u")

    // Checked by one who has headers alone.
    let sent = try chain.run("call", token, "(transfer @bob 1)", "--json", from: "alice")
    let id = try #require(sent.firstMatch(of: #/"id":"([0-9a-f]{64})"/#)).1
    #expect(try chain.run("verify", "receipt", String(id)).contains("it succeeded in block 7"))
    #expect(
      try chain.run("verify", "account", token, "--entry", "supply")
        == "shown: 1000, after block 7 (8 headers)"
    )
    #expect(try chain.run("verify", "account", counter, "--page", "1").contains("0x02000000"))
    let stranger = try chain.run("verify", "account", String(repeating: "07", count: 20))
    #expect(stranger.contains("there is nothing"))
  }

  @Test("What would fail is not sent; what is sent and fails says why")
  func failures() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let chain = try DevChain(place)
    defer { chain.node.end(with: SIGKILL) }
    let token = try chain.run(
      "deploy",
      DevChain.example("lisp/token.lisp"),
      "@faucet",
      "10",
      from: "faucet"
    )
    let refused = try chain.outcome(["call", token, "(transfer @faucet 11)"], from: "faucet")
    #expect(refused.status == 1)
    #expect(refused.errors.contains("nothing was sent: reverted, line 11"), "\(refused.errors)")
    let failed = try chain.outcome(
      ["call", token, "(transfer @faucet 11)", "--gas-limit", "10000"],
      from: "faucet"
    )
    #expect(failed.status == 1)
    #expect(failed.errors.contains("in block 2, 10000 gas"), "\(failed.errors)")
    let poor = try chain.outcome(["wallet", "new", "alice"])
    #expect(poor.status == 0)
    let broke = try chain.outcome(["wallet", "send", "faucet", "1"], from: "alice")
    #expect(broke.errors.contains("the balance does not cover"), "\(broke.errors)")
  }

  @Test(
    "Transactions that break a rule are refused by its name",
    arguments: [("00", "malformed"), ("zz", "bad_field"), ("", "malformed")]
  )
  func malformedTransactions(bytes: String, code: String) throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try DevNodeProcess(data: place.path)
    defer { node.end(with: SIGKILL) }
    let answer = try node.ask("/api/user_sendTransaction", #"{"transaction":"\#(bytes)"}"#)
    #expect(answer.contains(#""code":"\#(code)""#), "\(answer)")
  }

  @Test("A snapshot can be come back to, as if nothing had happened")
  func snapshots() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let chain = try DevChain(place)
    defer { chain.node.end(with: SIGKILL) }
    let counter = try chain.run("deploy", DevChain.example("brainfuck/counter.asm"), from: "faucet")
    try chain.run("call", counter, from: "faucet")
    let snapshot = try chain.node.ask("/api/dev_snapshot")
    let id = try #require(snapshot.firstMatch(of: #/"id":"([0-9a-f]{64})"/#)).1
    let before = try chain.node.ask("/api/get_tip")
    #expect(try chain.run("call", counter, from: "faucet") == "0x0200")
    #expect(
      try chain.node.ask("/api/dev_mine", #"{"blocks":3,"seconds":60}"#).contains(#""height":6"#)
    )
    #expect(
      try chain.node.ask("/api/dev_revert", #"{"id":"\#(id)"}"#).contains(#""blocks_taken_back":4"#)
    )
    #expect(try chain.node.ask("/api/get_tip") == before)
    #expect(try chain.run("call", counter, from: "faucet") == "0x0200")
    #expect(
      try chain.node.ask("/api/dev_revert", #"{"id":"\#(String(repeating: "0", count: 64))"}"#)
        .contains("no_block")
    )
  }

  @Test("kill -9 and a restart lose nothing that was answered", arguments: 1...3)
  func killed(round: Int) throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let chain = try DevChain(place)
    let counter = try chain.run("deploy", DevChain.example("brainfuck/counter.asm"), from: "faucet")
    var last = ""
    for _ in 0..<round { last = try chain.run("call", counter, "--json", from: "faucet") }
    let id = try #require(last.firstMatch(of: #/"id":"([0-9a-f]{64})"/#)).1
    let tip = try chain.node.ask("/api/get_tip")
    chain.node.end(with: SIGKILL)
    let again = try DevChain(place)
    defer { again.node.end(with: SIGKILL) }
    #expect(try again.node.ask("/api/get_tip") == tip)
    #expect(
      try again.run("verify", "receipt", String(id)).contains("it succeeded in block \(round + 1)")
    )
    #expect(try again.run("call", counter, from: "faucet") == "0x0\(round + 1)00")
  }

  @Test("The keystore is its owner's alone, and encrypted")
  func keystore() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let chain = try DevChain(place)
    defer { chain.node.end(with: SIGKILL) }
    try chain.run("wallet", "new", "alice")
    let path = "\(place.path)/keystore"
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    #expect(
      try chain.outcome(["wallet", "new", "alice"]).errors.contains("an account alice already")
    )
    #expect(try chain.outcome(["wallet", "new", "Alice"]).status == 2)
    try "another\n".write(toFile: "\(place.path)/password", atomically: false, encoding: .utf8)
    let wrong = try chain.outcome(["wallet", "new", "bob"])
    #expect(wrong.errors.contains("the password is wrong"), "\(wrong.errors)")
    chmod(path, 0o644)
    #expect(try chain.outcome(["wallet", "list"]).errors.contains("chmod 600"))
  }
}
