import Service

let benchCommand = Command(
  "bench",
  summary: "Measures this machine and this build",
  subcommands: [
    Command("bulletproofs", summary: "Proves and verifies ranges of two values, alone and batched")
    {
      _ in try benchmarkBulletproofs()
    },
    Command("ed25519", summary: "Verifies signatures singly and in batches, beside libsodium") {
      _ in benchmarkEd25519()
    },
    meshBenchCommand,
    smallNanoBenchCommand,
    tinyChainBenchCommand,
    Command("work", summary: "Searches proof of work by each path of this processor") { _ in
      benchmarkWork()
    },
  ]
)
