import Foundation
import Kernel
import Mesh
import MeshNode
import Testing

/// Python that has aioquic, where `scripts/test --slow` could install it.
private let interoperabilityPython =
  ProcessInfo.processInfo.environment["QUIC_INTEROPERABILITY_PYTHON"]

/// A `mesh-validator run` of its own.
final class ValidatorProcess {
  let process = Process()
  let port: UInt16
  private let errors = Pipe()

  /// Starts it and reads its log until it says that it has started.
  init(_ arguments: [String]) throws {
    process.executableURL = URL(fileURLWithPath: "\(Programs.directory)/mesh-validator")
    process.arguments = ["run", "--exit-with-parent"] + arguments
    process.standardError = errors
    try process.run()
    var text = ""
    while !text.contains("validator started") || !text.hasSuffix("\n") {
      let chunk = errors.fileHandleForReading.availableData
      guard !chunk.isEmpty else { throw Died(log: text) }
      text += String(decoding: chunk, as: UTF8.self)
    }
    let range = try #require(text.range(of: "mesh=127.0.0.1:"))
    port = try #require(UInt16(text[range.upperBound...].prefix { $0.isNumber }))
  }

  struct Died: Error {
    let log: String
  }

  /// Sends a signal and waits for the end.
  func end(with signal: Int32) -> Int32 {
    kill(process.processIdentifier, signal)
    _ = try? errors.fileHandleForReading.readToEnd()  // A full pipe would hold it up.
    process.waitUntilExit()
    return process.terminationStatus
  }
}

/// Four validators as processes, made by the program's own commands.
final class ProcessNetwork {
  let place: TemporaryPlace
  let genesis: Genesis
  let keys: [String]
  let owners: [AccountKeys]
  private(set) var processes: [Int: ValidatorProcess] = [:]
  private(set) var ports: [ValidatorIndex: UInt16] = [:]
  private let directories: [String: String]

  init() throws {
    place = try TemporaryPlace()
    var seed = [UInt8](repeating: 5, count: 32)
    let master = try #require(MasterSeed(SecretBytes(wiping: &seed)))
    owners = [master.account(0), master.account(1)]
    var directories: [String: String] = [:]
    for number in 0..<4 {
      let path = "\(place.path)/\(number)"
      let made = try Programs.run("mesh-validator", ["init", "--data-dir", path])
      try #require(made.status == 0, "\(made.errors)")
      directories[made.output.trimmingCharacters(in: .whitespacesAndNewlines)] = path
    }
    self.directories = directories
    keys = directories.keys.sorted()
    let file = "\(place.path)/genesis.mesh"
    let made = try Programs.run(
      "mesh-validator",
      ["genesis", "--name", "processes", "--fee-base", "0.01", "-o", file]
        + keys.flatMap { ["--validator", $0] }
        + ["--allocate", "\(owners[0].account)=10000"]
    )
    try #require(made.status == 0, "\(made.errors)")
    genesis = try GenesisFile.read(file)
    for index in (0..<4).reversed() { try start(index) }
  }

  func arguments(_ index: Int) -> [String] {
    ["--data-dir", directories[keys[index]] ?? "", "--genesis", "\(place.path)/genesis.mesh"]
  }

  func start(_ index: Int) throws {
    let own = ValidatorIndex(UInt16(index))
    let peers = ports.sorted { $0.key < $1.key }
      .map { "\(keys[Int($0.key.number)])@127.0.0.1:\($0.value)" }
    let process = try ValidatorProcess(
      arguments(index) + [
        "--listen-address", "127.0.0.1", "--listen-port", "\(ports[own] ?? 0)", "--http-port", "0",
        "--peers", peers.joined(separator: ","),
      ]
    )
    processes[index] = process
    ports[own] = process.port
  }

  @discardableResult
  func end(_ index: Int, with signal: Int32) -> Int32? {
    processes.removeValue(forKey: index)?.end(with: signal)
  }

  func remove() {
    for index in processes.keys.sorted() { end(index, with: SIGTERM) }
    place.remove()
  }

  func status(_ index: Int) throws -> JSON {
    let outcome = try Programs.run(
      "mesh-validator",
      ["status", "--json", "--data-dir", arguments(index)[1]]
    )
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try JSON(parsing: Array(outcome.output.utf8))
  }

  func audit(_ index: Int) throws -> JSON {
    let outcome = try Programs.run("mesh-validator", ["audit", "--json"] + arguments(index))
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    return try JSON(parsing: Array(outcome.output.utf8))
  }

  /// Waits until all four hold so many certificates, and compares.
  func expectAgreement(after count: Int) async throws {
    var digests: Set<String> = []
    for index in 0..<4 {
      var audit = try audit(index)
      while (audit["log"]?.integer(Int.self) ?? 0) < count {
        await Task.yield()
        audit = try self.audit(index)
      }
      #expect(audit["evidence"]?.array?.isEmpty == true)
      digests.insert(audit["digest"]?.string ?? "none")
    }
    #expect(digests.count == 1)
  }
}

@Suite("Validators as processes", .timeLimit(.minutes(3)), .serialized)
struct ValidatorProcessTests {
  @Test("kill -9 amid payments loses nothing; the killed one comes back and catches up by itself")
  func killed() async throws {
    let network = try ProcessNetwork()
    defer { network.remove() }
    let alice = try await MeshClient(
      network.owners[0],
      genesis: network.genesis,
      calling: network.ports
    )
    let bob = network.owners[1].address(on: network.genesis)
    let paying = Task {
      var count = 0
      while !Task.isCancelled, try await alice.pay(100, to: bob) != nil { count += 1 }
      return count
    }
    // Each in turn, while votes and certificates are under way; never two at a time.
    for index in [3, 0, 2, 1] {
      let before = await alice.state.nextSequence
      while await alice.state.nextSequence == before { await Task.yield() }
      network.end(index, with: SIGKILL)
      // What the kill left is sound: the supply holds, and the totals are those of the rows.
      _ = try network.audit(index)
      try network.start(index)
    }
    paying.cancel()
    let count = try await paying.value
    // All that a validator has told is on its disk, when nothing follows that could bring it there.
    for index in 0..<4 {
      while try network.status(index)["log"]?.integer(Int.self) != count {
        await Task.yield()
      }
      network.end(index, with: SIGKILL)
      #expect(try network.audit(index)["log"]?.integer(Int.self) == count)
      try network.start(index)
    }
    try await network.expectAgreement(after: count)
    #expect(await alice.state.balance.value == 1_000_000 - UInt64(count) * 101)
    await alice.stop()
    for index in 0..<4 { #expect(network.end(index, with: SIGTERM) == 0) }
  }

  @Test(
    "Another implementation of QUIC shakes hands, pings, and asks what network it is in",
    .enabled(if: interoperabilityPython != nil, "aioquic is not installed")
  )
  func aioquic() throws {
    let network = try ProcessNetwork()
    defer { network.remove() }
    let port = try #require(network.ports[ValidatorIndex(0)])
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(interoperabilityPython))
    process.arguments = [
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "scripts/quic-client.py").path,
      "mesh", "127.0.0.1", "\(port)", "\(network.place.path)/genesis.mesh",
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(said)")
    #expect(said == "ok\n")
    #expect(network.end(0, with: SIGTERM) == 0)
  }

  @Test("What a validator stored shows no amount and no memo")
  func dumpShowsNothing() async throws {
    let network = try ProcessNetwork()
    defer { network.remove() }
    let alice = try await MeshClient(
      network.owners[0],
      genesis: network.genesis,
      calling: network.ports
    )
    // Eight bytes that come by chance in one of 2^64 places.
    let amount: UInt64 = 0x0000_0000_000c_0ffe
    #expect(
      try await alice.pay(amount, to: network.owners[1].address(on: network.genesis)) != nil
    )
    try await network.expectAgreement(after: 1)
    await alice.stop()
    for index in 0..<4 { #expect(network.end(index, with: SIGTERM) == 0) }
    let path = ValidatorDirectory(network.arguments(0)[1]).ledgerPath
    let dump = try Data(contentsOf: URL(fileURLWithPath: path))
    let little = withUnsafeBytes(of: amount.littleEndian) { Data($0) }
    let big = withUnsafeBytes(of: amount.bigEndian) { Data($0) }
    #expect(dump.range(of: little) == nil)
    #expect(dump.range(of: big) == nil)
    // It is the right file: the account stands there.
    let account = Data(network.owners[0].account.bytes.bytes)
    #expect(dump.range(of: account) != nil)
  }
}

@Suite("Wrong calls of mesh-validator")
struct WrongValidatorCallTests {
  private static let key = String(repeating: "5", count: 63) + "8"

  @Test(
    "Each is told in one line, with status 2",
    arguments: [
      (["run", "--nonsense"], "unknown flag --nonsense"),
      (["run", "--listen-prt", "1"], "did you mean --listen-port?"),
      (["run", "--http-port", "70000"], "http_port should be"),
      (["run", "--peers", "192.0.2.1:7700"], "peers should be a validator's public key"),
      (["jump"], "'jump' is no command of mesh-validator"),
      (["genesis"], "--name needs a value"),
      (["genesis", "--name", "x"], "--output needs a value"),
      (["genesis", "--name", "x", "-o", "/tmp/x"], "--validator needs a value"),
      (["genesis", "--validator", "12"], "validator should be a public key of 64"),
      (["genesis", "--allocate", "tmesh1qqq=5"], "an address belongs to a network"),
      (["genesis", "--allocate", "\(key)=5.5.5"], "allocate should be an account's public key"),
      (
        ["genesis", "--name", "x", "-o", "/tmp/x", "--validator", key, "--validator", key],
        "out of order, or there twice"
      ),
      (
        [
          "genesis", "--name", "x", "-o", "/tmp/x", "--validator", key, "--allocate",
          "\(key)=184467440737095517",
        ],
        "below 2^64 units"
      ),
      (
        [
          "genesis", "--name", "x", "-o", "/tmp/x", "--validator",
          String(repeating: "0", count: 64),
        ],
        "not one that can sign"
      ),
    ] as [([String], String)]
  )
  func wrongCalls(arguments: [String], message: String) throws {
    let outcome = try Programs.run("mesh-validator", arguments)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  /// A network of one validator, in a directory.
  private func single() throws -> (TemporaryPlace, key: String, genesis: String) {
    let place = try TemporaryPlace()
    let made = try Programs.run("mesh-validator", ["init", "--data-dir", "\(place.path)/v"])
    let key = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
    let genesis = "\(place.path)/genesis.mesh"
    let outcome = try Programs.run(
      "mesh-validator",
      ["genesis", "--name", "one", "--validator", key, "-o", genesis]
    )
    try #require(outcome.status == 0, "\(outcome.errors)")
    return (place, key, genesis)
  }

  @Test("A genesis takes no other's place")
  func genesisStays() throws {
    let (place, key, genesis) = try single()
    defer { withExtendedLifetime(place) {} }
    let before = try Data(contentsOf: URL(fileURLWithPath: genesis))
    let again = try Programs.run(
      "mesh-validator",
      ["genesis", "--name", "one", "--validator", key, "-o", genesis]
    )
    #expect(again.status == 1)
    #expect(again.errors.contains("\(genesis) is there already"), "\(again.errors)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: genesis)) == before)
  }

  private func run(_ place: TemporaryPlace, _ more: [String]) throws -> Programs.Outcome {
    try Programs.run(
      "mesh-validator",
      [
        "run", "--data-dir", "\(place.path)/v", "--listen-address", "127.0.0.1", "--listen-port",
        "0", "--http-port", "0",
      ] + more
    )
  }

  @Test("What a start finds wrong is told with what to do")
  func wrongStarts() throws {
    let (place, _, genesis) = try single()
    defer { place.remove() }
    func expect(_ outcome: Programs.Outcome, _ message: String) {
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }
    expect(try run(place, []), "name the network's genesis file with --genesis")
    expect(try run(place, ["--genesis", genesis, "--data-dir", place.path]), "is given twice")
    expect(
      try run(place, ["--genesis", genesis, "--peers", "\(Self.key)@127.0.0.1:1"]),
      "is no validator of one"
    )
    // A genesis that does not add up: the supply's first byte, after name and fees, is another.
    var bytes = try Data(contentsOf: URL(fileURLWithPath: genesis))
    bytes[2 + 4 + 8 + 16 + 1 + 4 + 1 + 5] ^= 1
    let wrong = "\(place.path)/wrong.mesh"
    try bytes.write(to: URL(fileURLWithPath: wrong))
    expect(try run(place, ["--genesis", wrong]), "do not add up to the supply")
    try bytes.prefix(50).write(to: URL(fileURLWithPath: wrong))
    expect(try run(place, ["--genesis", wrong]), "is no genesis")
    // The key of another network's validator.
    let (other, _, otherGenesis) = try single()
    defer { other.remove() }
    expect(try run(place, ["--genesis", otherGenesis]), "which is no validator of one")
    // Keys and databases.
    expect(
      try Programs.run("mesh-validator", ["init", "--data-dir", "\(place.path)/v"]),
      "there is a key"
    )
    try FileManager.default.removeItem(atPath: "\(place.path)/v/ledger.sqlite")
    expect(try run(place, ["--genesis", genesis]), "must not vote again")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o644],
      ofItemAtPath: "\(place.path)/v/validator.key"
    )
    expect(try run(place, ["--genesis", genesis]), "others may read it")
    try FileManager.default.removeItem(atPath: "\(place.path)/v/validator.key")
    expect(try run(place, ["--genesis", genesis]), "`mesh-validator init` makes one")
  }

  @Test("An address in use is named, and so is a directory in use")
  func inUse() throws {
    let (place, _, genesis) = try single()
    defer { place.remove() }
    let first = try ValidatorProcess([
      "--data-dir", "\(place.path)/v", "--genesis", genesis, "--listen-address", "127.0.0.1",
      "--listen-port", "0", "--http-port", "0",
    ])
    let (other, _, otherGenesis) = try single()
    defer { other.remove() }
    let taken = try Programs.run(
      "mesh-validator",
      [
        "run", "--data-dir", "\(other.path)/v", "--genesis", otherGenesis, "--listen-address",
        "127.0.0.1", "--listen-port", "\(first.port)", "--http-port", "0",
      ]
    )
    #expect(taken.status == 2)
    #expect(taken.errors.contains("127.0.0.1:\(first.port)"), "\(taken.errors)")
    let shared = try run(place, ["--genesis", genesis])
    #expect(shared.status == 2)
    #expect(shared.errors.contains("process \(first.process.processIdentifier) is using it"))
    #expect(first.end(with: SIGTERM) == 0)
    let silent = try Programs.run("mesh-validator", ["status", "--data-dir", "\(place.path)/v"])
    #expect(silent.status == 1)
    #expect(silent.errors.contains("no validator answers"), "\(silent.errors)")
  }
}
