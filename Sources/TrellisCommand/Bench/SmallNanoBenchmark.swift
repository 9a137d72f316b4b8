import EventLoop
import Glibc
import Kernel
import Service

private let payments = Option<Int>(
  "payments",
  .integer(1...100_000),
  default: 200,
  scope: .commandLine,
  help: "How many payments to confirm, one after the other"
)
private let blocks = Option<Int>(
  "blocks",
  .integer(4096...10_000_000),
  default: 40_960,
  scope: .commandLine,
  help: "How many blocks to import"
)

let smallNanoBenchCommand = Command(
  "smallnano",
  summary: "Size, idle memory, confirmation latency and import rate of smallnano",
  discussion: """
    The size is that of the program on disk. Idle memory is a node's without peers and with an empty \
    ledger, three seconds after it answered. Latency is measured on three voting nodes of 40, 40 and \
    20 % on loopback, from the call of send until a node answers that the block is confirmed, asked \
    every half millisecond. The import checks every block's work and signature in one thread and \
    stands beside libsodium's single verification.
    """,
  examples: [
    .init("trellis bench smallnano", "All figures of docs/PERFORMANCE.md"),
    .init("trellis bench smallnano --blocks 1000000", "A longer import"),
  ],
  options: [payments, blocks, smallnano]
) { call in
  let program = try NeighbourProgram.smallnano.path(given: call[smallnano])
  var status = stat()
  guard stat(program, &status) == 0 else { throw CommandFailure("\(program) cannot be read") }
  report("program on disk", "\(status.st_size) bytes of 10000000 promised")

  let loop = try EventLoop(name: "bench")
  let signals = try await Signal.stream(of: [.interrupt, .terminate, .hangup], on: loop)
  let directory = try TemporaryDirectory()
  defer { directory.remove() }
  let devnet = Devnet(directory: directory.path, on: loop) { line in
    Terminal.standard.printError(line)
  }
  let act = SmallNanoAct(devnet, program: program)
  let count = call[payments]
  try await devnet.run([act], signals: signals, staysUp: false) {
    try await reportIdleMemory(of: act.nodes, on: loop)
    reportLatencies(try await act.latencies(payments: count))
  }.get()
  try benchmarkImport(blockCount: call[blocks])
}

private func reportIdleMemory(of nodes: SmallNanoProcesses, on loop: EventLoop) async throws {
  let node = try await nodes.start("idle")
  try await loop.sleep(for: .seconds(3))
  guard let usage = node.usage else { throw CommandFailure("the idle node does not run") }
  report("idle node, empty ledger, RSS", "\(usage.residentBytes) bytes of 16000000 promised")
  // The voters that come next must not find it.
  await nodes.kill("idle")
}

private func reportLatencies(_ latencies: [[Duration]]) {
  var sender = Figure(per: 1)
  var slowest = Figure(per: 1)
  for times in latencies {
    guard let first = times.first, let last = times.max() else { continue }
    sender.append(first)
    slowest.append(last)
  }
  func text(_ figure: Figure) -> String {
    "p50 \(decimal(figure.median / 1e6)) ms, p99 \(decimal(figure.quantile(0.99) / 1e6)) ms"
  }
  report("\(latencies.count) payments confirmed, sender's node", text(sender))
  report("\(latencies.count) payments confirmed, all three", text(slowest))
}

/// One line of the result.
func report(_ what: String, _ figure: String) {
  let padding = String(repeating: " ", count: max(1, 46 - what.count))
  Terminal.standard.print(what + padding + figure + "\n")
}
