import Glibc
import Kernel
import Service
import TinyChain

private let programs = Argument(
  "programs",
  .list(of: .string),
  default: ["deep", "multiply", "scan"].map { "bench/brainfuck/\($0).b" },
  help: "Files in Brainfuck; they run with empty input"
)
private let baseline = Option<String>(
  "baseline",
  .string,
  default: "",
  scope: .commandLine,
  help: "bench/brainfuck.c, compiled, to be measured beside the engines here"
)
private let openSSL = Option<String>(
  "openssl",
  .string,
  default: "",
  scope: .commandLine,
  help: "bench/sha256.c, compiled, to be measured beside the search for a nonce"
)
private let beef = Option<String>(
  "beef",
  .string,
  default: "",
  scope: .commandLine,
  help: "The interpreter beef, to be measured beside the engines here"
)
private let transfers = Option<Int>(
  "transfers",
  .integer(2_000...1_000_000),
  default: 20_000,
  scope: .commandLine,
  help: "How many signed transfers to apply to a chain on disk"
)

private enum Part: String, CaseIterable {
  case node, brainfuck, lisp, gas, transfers, mining, consensus, sync
}

private let only = Option<Part?>(
  "only",
  .optional(.choice),
  default: nil,
  scope: .commandLine,
  help: "Measure this alone"
)

let tinyChainBenchCommand = Command(
  "tinychain",
  summary: "Machines, gas, transfers, the dev node, mining, following a chain, beside baselines",
  discussion: """
    Gas and bounds are counted in all Brainfuck engines but beef. A figure is the fastest of five runs \
    (two, if a run takes a second), in seconds of this process's own time. Gas, steps and output of all \
    engines must be the same.
    """,
  examples: [
    .init("trellis bench tinychain", "The programs of bench/brainfuck"),
    .init(
      "trellis bench tinychain --baseline .build/brainfuck mandelbrot.b",
      "Another program, beside C"
    ),
  ],
  options: [only, baseline, beef, openSSL, transfers, tinychain],
  arguments: [programs]
) { call in
  let program = try NeighbourProgram.tinychain.path(given: call[tinychain])
  for part in call[only].map({ [$0] }) ?? Part.allCases {
    switch part {
    case .node: try await benchmarkDevNode(program: program)
    case .brainfuck:
      for path in call[programs] {
        try benchmarkBrainfuck(
          path,
          baseline: call[baseline].isEmpty ? nil : call[baseline],
          beef: call[beef].isEmpty ? nil : call[beef]
        )
      }
    case .lisp: try benchmarkLisp()
    case .gas: try benchmarkGas()
    case .transfers: try await benchmarkTransfers(count: call[transfers])
    case .mining: try benchmarkMining(openSSL: call[openSSL].isEmpty ? nil : call[openSSL])
    case .consensus: try benchmarkConsensus(headers: 1_000_000)
    case .sync: try await benchmarkHeaderSync(1_000_000, program: program)
    }
  }
}
