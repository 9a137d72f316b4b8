import Foundation
import Kernel
import Testing
import TinyChain
import TinyChainNode

/// A chain that is made in this process, as the node stores it: two hashes of work a block, at times in
/// the past.
private struct MadeChain {
  static let launch = """
    network = "dev"
    genesis_time = 1700000000
    first_target = "7fffff\(String(repeating: "0", count: 58))"
    half_life = 3600

    """

  let parameters: NetworkParameters
  private(set) var chain: Chain
  private var tree: HeaderTree
  private var paid: UInt64 = 0

  init() throws {
    parameters = try LaunchFile(parsing: Array(Self.launch.utf8), for: .dev).parameters
    chain = Chain(parameters)
    tree = HeaderTree(parameters, try #require(parameters.work), source: NoSource())
  }

  /// Enough of the tree is in memory.
  private struct NoSource: HeaderSource {
    func entry(of id: Bytes32) -> HeaderEntry? { nil }
    func best(at height: UInt32) -> Bytes32? { nil }
  }

  /// The store of a node in this directory, which is new.
  func store(in directory: String) throws -> ChainStore {
    try FileManager.default.createDirectory(
      atPath: directory,
      withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700]
    )
    let store = try ChainStore(path: "\(directory)/\(parameters.name).sqlite", parameters)
    try store.add([tree.genesis])
    try store.setHeaviest(tree.genesis.id)
    return store
  }

  /// Goes on by so many blocks of ten payments.
  mutating func grow(by count: Int, into stores: [ChainStore]) throws {
    var blocks: [ExecutedBlock] = []
    var entries: [HeaderEntry] = []
    for _ in 0..<count {
      let past = try #require(tree.lineage(of: chain.tip.id))
      let draft = tree.sequencer.draft(
        after: past,
        at: past.tip.header.time + 2,
        for: NetworkParameters.faucet
      )
      var block = chain.executed((0..<10).map { _ in payment() }, under: draft)
      let target = try #require(UInt256(compact: block.header.bits))
      while UInt256(bigEndian: block.header.id) > target { block.header.nonce += 1 }
      let added = try tree.add(block.header, id: block.header.id, now: block.header.time)
      entries.append(try #require(added))
      tree.settle()
      chain.append(block)
      blocks.append(block)
    }
    let tip = chain.tip.id
    for store in stores {
      try store.transaction {
        try store.add(entries)
        try store.setHeaviest(tip)
        for block in blocks {
          try store.append(block)
          try store.markExecuted(block.header.id)
        }
      }
    }
  }

  private mutating func payment() -> SignedTransaction {
    var payment = Transaction(.transfer, to: Address(endOf: .zero), value: 5)
    payment.chainID = chain.id
    (payment.nonce, payment.gasLimit, payment.maxPrice) = (paid, 30_000, 100)
    paid += 1
    return SignedTransaction(payment, by: NetworkParameters.faucetKey)
  }
}

@Suite("tinychain node run: a node that was off", .timeLimit(.minutes(10)))
struct TinyChainCatchUpTests {
  @Test("It catches up with 10,000 blocks of 100,000 payments over HTTP, to the same tip and state")
  func catchUp() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let launch = "\(place.path)/dev.toml"
    try MadeChain.launch.write(toFile: launch, atomically: false, encoding: .utf8)
    var made = try MadeChain()
    do {
      let ahead = try made.store(in: "\(place.path)/ahead")
      let behind = try made.store(in: "\(place.path)/behind")
      try made.grow(by: 100, into: [ahead, behind])
      for _ in 0..<20 { try made.grow(by: 500, into: [ahead]) }
    }
    let ahead = try MinedNodeProcess(place, "ahead", "--launch-file", launch)
    defer { ahead.process.end(with: SIGKILL) }
    let target = try ahead.tip()
    #expect(target.height == 10_100)
    #expect(target.id == made.chain.tip.id.hex)
    let start = ContinuousClock.now
    let behind = try MinedNodeProcess(
      place,
      "behind",
      "--launch-file",
      launch,
      "--peers",
      ahead.address
    )
    defer { behind.process.end(with: SIGKILL) }
    #expect(try behind.tip().height < 10_100)
    let reached = try behind.wait { $0.height >= target.height }
    let memory = try ProcessMemory(of: behind.process.process.processIdentifier)
    print("caught up with 10,000 blocks in \(ContinuousClock.now - start); \(memory)")
    #expect(reached == target)
    #expect(try behind.stateRoot() == made.chain.tip.header.stateRoot.hex)
    #expect(try ahead.stateRoot() == behind.stateRoot())
    #expect(memory.residentKilobytes < 64_000)
    #expect(behind.process.end(with: SIGTERM) == 0)
  }
}

/// What of a process is in memory.
private struct ProcessMemory: CustomStringConvertible {
  let residentKilobytes: Int
  let description: String

  init(of process: pid_t) throws {
    let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    let lines = status.split(separator: "\n").filter {
      $0.hasPrefix("VmHWM") || $0.hasPrefix("VmRSS")
    }
    description = lines.joined(separator: ", ").replacingOccurrences(of: "\t", with: " ")
    let resident = lines.last { $0.hasPrefix("VmRSS") }?.split(whereSeparator: \.isWhitespace)
    residentKilobytes = try #require(resident.flatMap { Int($0[1]) })
  }
}
