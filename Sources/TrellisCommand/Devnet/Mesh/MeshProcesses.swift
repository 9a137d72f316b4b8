import EventLoop
import Glibc
import Kernel
import Mesh
import MeshNode
import Service

/// The validators of MESH's act, and the programs that speak to them.
///
/// A validator calls those with an index above its own, so they are first started from the highest
/// down, each on a port that the system chooses and that it keeps.
actor MeshProcesses {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// As `mesh-validator run` writes them down.
  private struct Ports {
    let mesh: UInt16
    let http: UInt16
  }

  private let devnet: Devnet
  private let validatorProgram: String
  private let walletProgram: String
  /// In the order of their keys, which is that of their indices.
  private(set) var keys: [String] = []
  private var directories: [String] = []
  private var processes: [Int: DevnetProcess] = [:]
  private var ports: [Int: Ports] = [:]

  /// The devnet's wallets guard nothing; this makes their passwords quick to try.
  private static let password = ["MESH_WALLET_PASSWORD": "devnet"]

  init(_ devnet: Devnet, validator: String, wallet: String) {
    self.devnet = devnet
    validatorProgram = validator
    walletProgram = wallet
    loop = devnet.loop
  }

  nonisolated var genesisPath: String { "\(devnet.directory)/genesis.mesh" }

  // MARK: Before

  /// Makes keys and empty databases.
  func makeValidators(_ count: Int) async throws {
    var found: [(key: String, directory: String)] = []
    for number in 0..<count {
      let directory = "\(devnet.directory)/validator-\(number)"
      let answer = try await validator(["init", "--data-dir", directory])
      guard let key = answer["public_key"]?.string ?? answer["key"]?.string else {
        throw DevnetFailure("mesh-validator init answered \(answer)")
      }
      found.append((key, directory))
    }
    found.sort { $0.key < $1.key }
    keys = found.map(\.key)
    directories = found.map(\.directory)
  }

  /// Writes the genesis file.
  ///
  /// - Parameters:
  ///   - name: of the network.
  ///   - fee: of a payment, in whole tokens.
  ///   - allocations: public keys and whole tokens.
  /// - Throws: `DevnetFailure` with what the program said.
  func makeGenesis(_ name: String, fee: String, _ allocations: [(String, Int)]) async throws {
    let balances = "\(devnet.directory)/balances"
    let lines = allocations.map { "\($0)=\($1)\n" }.joined()
    try PrivateFile.write(Array(lines.utf8), to: balances, mode: 0o644)
    var arguments = ["genesis", "--name", name, "--fee-base", fee, "-o", genesisPath]
    for key in keys { arguments += ["--validator", key] }
    _ = try await validator(arguments + ["--allocations", balances])
  }

  // MARK: Validators

  var count: Int { keys.count }
  func directory(_ index: Int) -> String { directories[index] }
  func process(_ index: Int) -> DevnetProcess? { processes[index] }

  /// Where wallets find them.
  var places: [String] {
    ports.sorted { $0.key < $1.key }.map { "\(keys[$0.key])@127.0.0.1:\($0.value.mesh)" }
  }

  var addresses: [ValidatorIndex: HostPort] {
    var found: [ValidatorIndex: HostPort] = [:]
    for (index, ports) in ports {
      found[ValidatorIndex(UInt16(index))] = HostPort(host: "127.0.0.1", port: ports.mesh)
    }
    return found
  }

  /// Starts a validator, or starts it again on the data and the port it had.
  ///
  /// - Parameters:
  ///   - index: of its key.
  ///   - options: beside those that every one gets.
  /// - Throws: `DevnetFailure` if it ends, or does not listen.
  func start(_ index: Int, options: [String] = []) async throws {
    let data = directories[index]
    let portsPath = "\(data)/ports.json"
    unlink(portsPath)
    let process = try await devnet.launch(
      "validator-\(index)",
      validatorProgram,
      [
        "run", "--data-dir", data, "--genesis", genesisPath, "--exit-with-parent",
        "--listen-address", "127.0.0.1", "--listen-port", "\(ports[index]?.mesh ?? 0)",
        "--http-port", "\(ports[index]?.http ?? 0)", "--peers", places.joined(separator: ","),
      ] + options,
      without: "MESH_VALIDATOR_"
    )
    processes[index] = process
    let devnet = self.devnet
    let found = try await devnet.wait("validator \(index) listens") {
      try await devnet.requireAlive(process)
      guard let bytes = try? PrivateFile.read(portsPath, bytesMax: 4096),
        let json = try? JSON(parsing: bytes),
        let mesh: UInt16 = json["mesh_port"]?.integer(),
        let http: UInt16 = json["http_port"]?.integer()
      else { return nil as Ports? }
      return Ports(mesh: mesh, http: http)
    }
    ports[index] = found
  }

  func kill(_ index: Int) async {
    if let process = processes[index] { await devnet.kill(process) }
  }

  /// What `mesh-validator audit` says of a validator's database.
  func audit(_ index: Int) async throws -> JSON {
    try await validator([
      "audit", "--data-dir", directories[index], "--genesis", genesisPath,
    ])
  }

  private func validator(_ arguments: [String]) async throws -> JSON {
    try await devnet.answer(
      of: validatorProgram,
      arguments + ["--json"],
      without: "MESH_VALIDATOR_"
    )
  }

  // MARK: Wallets

  func walletDirectory(_ name: String) -> String { "\(devnet.directory)/\(name)" }

  /// Makes keys; returns the account's public key.
  func makeWallet(_ name: String) async throws -> String {
    let answer = try await wallet(name, ["keygen", "--argon2-memory-mb", "8"])
    guard let account = answer["account"]?.string else {
      throw DevnetFailure("mesh-wallet keygen answered \(answer)")
    }
    return account
  }

  /// Tells a wallet its network, unlocks it, and returns its address.
  func introduce(_ name: String) async throws -> String {
    _ = try await wallet(
      name,
      [
        "init", "--genesis", genesisPath, "--validators", places.joined(separator: ","),
        "--argon2-memory-mb", "8",
      ]
    )
    guard let address = try await wallet(name, ["show-address"])["address"]?.string else {
      throw DevnetFailure("mesh-wallet show-address shows no address of \(name)")
    }
    return address
  }

  /// Runs a command of one wallet.
  func wallet(_ name: String, _ arguments: [String]) async throws -> JSON {
    try await devnet.answer(
      of: walletProgram,
      arguments + ["--data-dir", walletDirectory(name), "--json"],
      variables: Self.password,
      without: "MESH_WALLET_"
    )
  }

  /// Agents are not our children: they must be told to end.
  func close() async {
    for name in ["alice", "bob"] where access("\(walletDirectory(name))/agent.sock", F_OK) == 0 {
      // What cannot be told ends by itself, when its time is over.
      _ = try? await wallet(name, ["lock"])
    }
  }

  func examples() -> String {
    var text = ""
    for (index, ports) in ports.sorted(by: { $0.key < $1.key }) {
      text += "  validator \(index): QUIC 127.0.0.1:\(ports.mesh), "
      text += "http://127.0.0.1:\(ports.http)/metrics, "
      text += "log \(devnet.directory)/validator-\(index).log\n"
    }
    return text + """

        export MESH_WALLET_PASSWORD=devnet
        \(walletProgram) balance --data-dir \(walletDirectory("alice"))
        \(walletProgram) send --data-dir \(walletDirectory("alice")) --amount 1 \\
          --to $(\(walletProgram) show-address --json --data-dir \(walletDirectory("bob")) \
      | sed 's/.*"address":"\\([^"]*\\)".*/\\1/')
        \(validatorProgram) audit --data-dir \(directories.first ?? "") --genesis \(genesisPath)

      """
  }
}
