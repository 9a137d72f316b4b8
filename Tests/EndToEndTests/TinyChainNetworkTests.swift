import Foundation
import Kernel
import Testing

/// A node that mines or follows, and what it says.
struct MinedNodeProcess {
  let process: DevNodeProcess
  private let data: String

  init(_ place: TemporaryPlace, _ name: String, _ more: String...) throws {
    data = "\(place.path)/\(name)"
    process = try DevNodeProcess(data: data, more, command: ["node", "run"])
  }

  var address: String { "127.0.0.1:\(process.port)" }

  struct Tip: Equatable {
    let height: Int
    let id: String
    /// 64 hexadecimal digits: as text they compare as the numbers do.
    let work: String
  }

  func call(_ name: String, _ fields: String = "") throws -> JSON {
    let text = try process.ask("/api/\(name)", fields)
    let answer = try JSON(parsing: Array(text.utf8), limits: JSON.Limits(bytesMax: 1 << 24))
    return try #require(answer["result"], "\(answer)")
  }

  func tip() throws -> Tip {
    let tip = try call("get_tip")
    return Tip(
      height: try #require(tip["height"]?.integer()),
      id: try #require(tip["id"]?.string),
      work: try #require(tip["work"]?.string)
    )
  }

  /// The id of a block of the chain; nil if it is not that long.
  func block(at height: Int) throws -> String? {
    try call("get_blocks", #"{"from":\#(height),"count":1}"#).array?.first?["id"]?.string
  }

  func stateRoot() throws -> String {
    try #require(try call("get_tip")["state_root"]?.string)
  }

  /// Asks until it is so.
  func wait(until isReached: (Tip) throws -> Bool) throws -> Tip {
    while true {
      let tip = try tip()
      if try isReached(tip) { return tip }
      sched_yield()
    }
  }

  /// Waits until both have a block in common that is this high.
  func waitForCommonBlock(with other: MinedNodeProcess, at height: Int) throws {
    while true {
      if let mine = try block(at: height), try other.block(at: height) == mine { return }
      sched_yield()
    }
  }

  /// Has the faucet pay somebody, and waits for the block unless told otherwise.
  func pay(_ units: Int, to account: String) throws -> String {
    let outcome = try Programs.run(
      "tinychain",
      [
        "wallet", "send", account, "\(units)", "--from", "faucet", "--json", "--node", address,
        "--data-dir", data,
      ]
    )
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try #require(try JSON(parsing: Array(outcome.output.utf8))["id"]?.string)
  }

  /// What is answered to a peer's call, with its head.
  func post(_ path: String, _ body: [UInt8], by node: String) throws -> String {
    try process.exchange(
      Array(
        "POST /p2p/\(path) HTTP/1.1\r\nHost: \(address)\r\nConnection: close\r\n"
          .appending("tinychain-node: \(node)\r\nContent-Length: \(body.count)\r\n\r\n").utf8
      ) + body
    )
  }

  func balance(of account: String) throws -> String? {
    try call("user_getBalance", #"{"address":"\#(account)"}"#)["balance"]?.string
  }
}

private let somebody = String(repeating: "07", count: 20)

@Suite("tinychain node run: nodes that mine, part and meet", .timeLimit(.minutes(10)))
struct TinyChainNetworkTests {
  @Test("Two nodes mine one chain; a third that comes later has all of it")
  func sync() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let first = try MinedNodeProcess(place, "first", "--mine")
    defer { first.process.end(with: SIGKILL) }
    let second = try MinedNodeProcess(place, "second", "--mine", "--peers", first.address)
    defer { second.process.end(with: SIGKILL) }
    try first.waitForCommonBlock(with: second, at: 5)
    let id = try first.pay(1_000, to: somebody)
    #expect(try first.balance(of: somebody) == "1000")
    let third = try MinedNodeProcess(place, "third", "--peers", second.address)
    defer { third.process.end(with: SIGKILL) }
    let tip = try second.tip()
    try third.waitForCommonBlock(with: second, at: max(1, tip.height - 3))
    _ = try third.wait { _ in try third.balance(of: somebody) == "1000" }
    // What it has not seen happen, headers show it.
    let shown = try Programs.run(
      "tinychain",
      ["verify", "receipt", id, "--node", third.address, "--data-dir", place.path]
    )
    #expect(shown.output.contains("it succeeded in block"), "\(shown.errors)")
    #expect(third.process.end(with: SIGTERM) == 0)
  }

  @Test(
    "The same command twice: the second takes the next port and directory, and the first as peer"
  )
  func twice() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let command = ["node", "run", "--mine", "--network", "dev"]
    let first = try DevNodeProcess(command, home: place.path)
    defer { first.end(with: SIGKILL) }
    let second = try DevNodeProcess(command, home: place.path)
    defer { second.end(with: SIGKILL) }
    #expect(first.port != second.port)
    #expect(second.log.contains("another node is here"), "\(second.log)")
    #expect(second.log.contains("peer=127.0.0.1:\(first.port)"), "\(second.log)")
    #expect(second.log.contains("data=\(place.path)/.tinychain-2"), "\(second.log)")
    while try !first.ask("/api/net_getPeers").contains("address") { sched_yield() }
  }

  @Test("kill -9 loses no block that was told of")
  func killed() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    for round in 1...3 {
      let node = try MinedNodeProcess(place, "node", "--mine")
      let before = try node.tip()
      let tip = try node.wait { $0.height >= before.height + 3 * round }
      node.process.end(with: SIGKILL)
      let again = try MinedNodeProcess(place, "node")
      #expect(try again.block(at: tip.height) == tip.id)
      #expect(again.process.end(with: SIGTERM) == 0)
    }
  }

  @Test("kill -9 loses no payment that waits, and no ban")
  func keptWhenKilled() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try MinedNodeProcess(place, "node")
    // In vain until somebody mines.
    let payer = Process()
    payer.executableURL = URL(fileURLWithPath: "\(Programs.directory)/tinychain")
    payer.arguments = [
      "wallet", "send", somebody, "5", "--from", "faucet", "--node", node.address,
      "--data-dir", place.path,
    ]
    (payer.standardOutput, payer.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try payer.run()
    while try node.call("get_tip")["waiting"] != 1 { sched_yield() }

    let genesis = try #require(try node.block(at: 0))
    let liar = "0102030405060708"
    let hello = try hello(genesis: genesis, node: liar)
    #expect(try node.post("hello", hello, by: liar).hasPrefix("HTTP/1.1 200"))
    #expect(try node.post("headers", [1], by: liar).hasPrefix("HTTP/1.1 400"))
    while try !node.post("hello", hello, by: liar).contains("banned") { sched_yield() }
    node.process.end(with: SIGKILL)
    payer.terminate()
    payer.waitUntilExit()

    let again = try MinedNodeProcess(place, "node")
    defer { again.process.end(with: SIGKILL) }
    #expect(try again.call("get_tip")["waiting"] == 1)
    let refusal = try again.post("hello", hello, by: liar)
    #expect(refusal.hasPrefix("HTTP/1.1 403") && refusal.contains("banned for what it sent"))
    let other = "0102030405060709"
    let welcome = try again.post("hello", self.hello(genesis: genesis, node: other), by: other)
    #expect(welcome.hasPrefix("HTTP/1.1 200"), "\(welcome)")
    let miner = try MinedNodeProcess(place, "miner", "--mine", "--peers", again.address)
    defer { miner.process.end(with: SIGKILL) }
    _ = try again.wait { _ in try again.balance(of: somebody) == "5" }
    while try again.call("get_tip")["waiting"] != 0 { sched_yield() }
  }

  /// A node that cannot be called and has nothing but the genesis block, as it says hello.
  private func hello(genesis: String, node: String) throws -> [UInt8] {
    let id = try #require([UInt8](hex: genesis))
    let number = try #require([UInt8](hex: node))
    let hello = [1, 0, 0, 0] + id + number + [0, 0] + id + [UInt8](repeating: 0, count: 32)
    return [UInt8(hello.count), 0, 0, 0] + hello
  }

  @Test("Sixty long bodies at once that never end neither fill the memory nor keep calls out")
  func manyLongBodies() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try MinedNodeProcess(place, "node")
    defer { node.process.end(with: SIGKILL) }
    let head = "POST /p2p/short HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4000000\r\n\r\n"
    let begun = Array(head.utf8) + [UInt8](repeating: 7, count: 2_000_000)
    let sockets = try (0..<60).map { _ in try node.process.connect() }
    defer { for socket in sockets { close(socket) } }
    for socket in sockets {
      var rest = begun[...]
      // Those without memory are told so, and then the connection ends.
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes {
          send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { break }
        rest = rest.dropFirst(count)
      }
    }
    // Between two answers the node reads 64 KiB of each: in so many all that it will.
    for _ in 0..<100 {
      let metrics = try node.process.ask("/metrics").split(separator: "\n")
      let line = metrics.first { $0.hasPrefix("process_resident_memory_bytes ") }
      let resident = try #require(line?.split(separator: " ").last.flatMap { Double($0) })
      try #require(resident < 64_000_000)
    }
    #expect(try node.process.ask("/health").contains("ok"))
    #expect(node.process.end(with: SIGTERM) == 0)
  }

  @Test("A fork heals: the lighter side turns round, and what it alone had is mined again")
  func fork() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let strong = try MinedNodeProcess(place, "strong", "--mine")
    defer { strong.process.end(with: SIGKILL) }
    let weak = try MinedNodeProcess(place, "weak", "--mine", "--peers", strong.address)
    try strong.waitForCommonBlock(with: weak, at: 2)
    _ = try weak.call("dev_cut", #"{"cut":true}"#)
    // Mined on this side alone.
    let id = try weak.pay(77, to: somebody)
    let left = try weak.wait { $0.height >= 4 }
    weak.process.end(with: SIGKILL)
    #expect(try strong.balance(of: somebody) == "0")
    _ = try strong.wait { $0.work > left.work }
    let back = try MinedNodeProcess(place, "weak", "--peers", strong.address)
    defer { back.process.end(with: SIGKILL) }
    _ = try back.wait { tip in
      try tip.work > left.work && back.block(at: left.height) != left.id
    }
    _ = try strong.wait { _ in try strong.balance(of: somebody) == "77" }
    let receipt = try strong.call("chain_getReceipt", #"{"id":"\#(id)"}"#)
    #expect(receipt["status"] == 1)
    #expect(try back.process.ask("/metrics").contains("chain_reorganisations_total 1"))
  }

  @Test("A node of another network is refused, and told why")
  func otherNetwork() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let dev = try MinedNodeProcess(place, "dev")
    defer { dev.process.end(with: SIGKILL) }
    let other = try MinedNodeProcess(
      place,
      "other",
      "--network",
      "provable",
      "--peers",
      dev.address
    )
    defer { other.process.end(with: SIGKILL) }
    try other.process.waitForLog("another network: genesis block")
    #expect(try dev.call("net_getPeers").array?.isEmpty == true)
  }

  @Test("Files that a node cannot use are named, with what to do")
  func badFiles() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let data = "\(place.path)/node"
    #expect(try MinedNodeProcess(place, "node").process.end(with: SIGTERM) == 0)
    let store = "\(data)/dev.sqlite"
    let good = try Data(contentsOf: URL(fileURLWithPath: store))
    #expect(good.count > 20_000, "the end of a node leaves all in the file")
    func refusal(_ more: String...) throws -> String {
      let arguments = ["node", "run", "--data-dir", data, "--port", "0"]
      let outcome = try Programs.run("tinychain", arguments + more)
      #expect(outcome.status == 2)
      #expect(outcome.output.isEmpty)
      return outcome.errors
    }
    func put(_ bytes: Data, _ path: String) throws {
      try bytes.write(to: URL(fileURLWithPath: path))
    }
    try put(Data((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &>> 3) }), store)
    #expect(try refusal().contains("dev.sqlite: this is not a database; move the file away"))
    try put(good.prefix(8_192), store)
    #expect(try refusal().contains("dev.sqlite: the database is damaged"))
    try put(good, store)
    try put(good, "\(data)/provable.sqlite")
    #expect(try refusal("--network", "provable").contains("the chain of another network"))
    for (text, problem) in [
      ("nokey = 5", "config.toml:1: unknown key 'nokey'"),
      ("\nport = 70000", "config.toml:2: port should be a whole number from 0 to 65535"),
      ("mine = maybe", "config.toml:1: column 8"), ("port = 1\nport = 2", "is set already"),
      ("peers = 5", "config.toml:1: peers should be an array"),
    ] {
      try put(Data(text.utf8), "\(data)/config.toml")
      let outcome = try Programs.run("tinychain", ["node", "run", "--data-dir", data])
      #expect(outcome.status == 2 && outcome.errors.contains(problem), "\(outcome.errors)")
    }
    try put(Data(), "\(data)/config.toml")
    // With --mine and without: who is to get what blocks bring is looked at in any case.
    #expect(
      try refusal("--mine-to", "nobody").contains("mine_to should be an address of this network")
    )
    let keystore = "\(data)/keystore"
    try put(Data("something".utf8), keystore)
    chmod(keystore, 0o644)
    #expect(try refusal().contains("keystore: others may read it; run chmod 600 on it"))
    chmod(keystore, 0o600)
    #expect(try refusal().contains("keystore: this is no keystore of tinychain"))
    unlink(keystore)
    let node = try MinedNodeProcess(place, "node")
    #expect(try refusal().contains("process \(node.process.process.processIdentifier) is using it"))
    let taken = try Programs.run(
      "tinychain",
      ["node", "run", "--data-dir", "\(place.path)/other", "--port", "\(node.process.port)"]
    )
    #expect(taken.status == 2 && taken.errors.contains("127.0.0.1:\(node.process.port)"))
    #expect(node.process.end(with: SIGTERM) == 0)
    let nowhere = try Programs.run("tinychain", ["node", "run", "--data-dir", "/proc/nowhere"])
    #expect(nowhere.status == 2 && nowhere.errors.contains("cannot create /proc/nowhere"))
  }

  @Test("The main network needs its launch file, and says so")
  func launchFile() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let arguments = ["node", "run", "--network", "main", "--data-dir", "\(place.path)/n"]
    let outcome = try Programs.run("tinychain", arguments + ["--port", "0"])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("--launch-file"), "\(outcome.errors)")
    let path = "\(place.path)/main.toml"
    let zeros = String(repeating: "0", count: 60)
    for (text, problem) in [
      ("network = \"dev\"\n", "main.toml:1: this is no launch file of 'main'"),
      ("network = \"main\"\n", "genesis_time is missing"),
      ("network = \"main\"\ngenesis_time = 5\nfirst_target = \"00\"\n", "main.toml:3"),
      ("network = \"main\"\nwhat = 5\n", "unknown key 'what'"),
      ("network = \"main\"\ngenesis_time = -5\n", "main.toml:2"),
      ("network = \"main\"\ngenesis_time = 9000000000000000000\n", "main.toml:2"),
      ("network = \"main\"\ninterval = 1\n", "the interval of main is not to be set"),
      ("network = \"main\"\nhalf_life = 5\n", "the half-life of main is not to be set"),
      (
        "network = \"main\"\ngenesis_time = 5\nfirst_target = \"00ff\(zeros)\"\n",
        "first_target is above the network's limit"
      ),
      ("network = \"main\"\ninterval = 0\n", "interval is a whole number from 1 to 86400"),
      ("network = \"main\"\ninterval = 9000000000000000000\n", "from 1 to 86400"),
      ("[allocations]\nnobody = 5\n", "no launch file of 'main'"),
      ("not toml", "main.toml:1"),
    ] {
      try text.write(toFile: path, atomically: false, encoding: .utf8)
      let outcome = try Programs.run(
        "tinychain",
        arguments + ["--port", "0", "--launch-file", path]
      )
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains(problem), "\(text): \(outcome.errors)")
    }
    let target = "00000000ffff" + String(repeating: "0", count: 52)
    try """
    network = "main"
    genesis_time = 1767225600
    first_target = "\(target)"
    """.write(toFile: path, atomically: false, encoding: .utf8)
    let node = try MinedNodeProcess(place, "main", "--network", "main", "--launch-file", path)
    #expect(try node.call("get_tip")["network"] == "main")
    #expect(try node.process.ask("/api/dev_cut", #"{"cut":true}"#).contains("not_here"))
    #expect(node.process.end(with: SIGTERM) == 0)
  }

  @Test("Calls of peers that nobody could mean are answered by their fault, and harm nothing")
  func badCalls() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try MinedNodeProcess(place, "node")
    defer { node.process.end(with: SIGKILL) }
    let named = "tinychain-node: 0102030405060708\r\n"
    for (path, headers, body, expected) in [
      ("hello", "", "", "must have 16 digits"),
      ("hello", "tinychain-node: zz\r\n", "", "must have 16 digits"),
      ("hello", named, "", "cannot be read"),
      ("hello", named, "\u{5}\0\0\0abc", "cannot be read"),
      ("hello", named, "\u{7f}\u{7f}\u{7f}\u{7f}", "cannot be read"),
      ("headers", named, "", "cannot be read"),
      ("peers", named, "", "say hello first"),
      ("nothing", named, "", "no such call"),
    ] {
      let answer = try node.process.ask("/p2p/\(path)", body, headers: headers)
      #expect(answer.contains(expected), "\(path): \(answer)")
    }
    #expect(try node.process.ask("/p2p/hello", method: "GET", headers: named).contains("POST only"))
    let long = try node.process.exchange(
      "POST /p2p/short HTTP/1.1\r\nHost: 127.0.0.1\r\n\(named)Content-Length: 99999999\r\n\r\n"
    )
    #expect(long.hasPrefix("HTTP/1.1 413"))
    let blocks = [
      ("00", "malformed"), ("zz", "bad_field"),
      (String(repeating: "00", count: 180), "wrongParent"),
    ]
    for (block, code) in blocks {
      let answer = try node.process.ask("/api/broadcast_block", #"{"block":"\#(block)"}"#)
      #expect(answer.contains(#""code":"\#(code)""#), "\(block): \(answer)")
    }
    #expect(try node.process.ask("/health").contains("ok"))
  }

  @Test("A thousand connections keep no call out")
  func thousandConnections() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try MinedNodeProcess(place, "node", "--mine")
    let sockets = try (0..<1_000).map { _ in try node.process.connect() }
    defer { for socket in sockets { close(socket) } }
    let half = Array("POST /p2p/hello HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n".utf8)
    for socket in sockets[500...] {
      _ = half.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
    let before = try node.tip()
    _ = try node.wait { $0.height > before.height }
    #expect(node.process.end(with: SIGTERM) == 0)
  }
}
