import EdDSA
import Glibc
import Kernel
import Service

// What accounts cost a validator, beside the disk.
extension MeshBenchmark {
  /// One validator with a genesis of one account, then one of many: its memory after the first start, which
  /// writes them all into its database, and after the next one.
  func measureAccounts(_ count: Int) async throws {
    try await processes.makeValidators(1)
    let before = devnet.loop.now
    try await processes.makeGenesis("bench", fee: "0", Self.accounts(count))
    report("a genesis of \(count) accounts is made in", seconds(since: before))
    for what in ["first start", "next start"] {
      let start = devnet.loop.now
      try await processes.start(0)
      let time = seconds(since: start)
      // Its figures as of five seconds, when it has looked at itself once.
      try await devnet.loop.sleep(for: .seconds(6))
      guard let process = await processes.process(0), let usage = process.usage else {
        throw DevnetFailure("the validator does not run")
      }
      report("  \(what)", time)
      report("  of its processor", "\(usage.processorMilliseconds) ms")
      report("  RSS", "\(usage.residentBytes) bytes")
      await processes.kill(0)
    }
  }

  /// Public keys that are good, and no two alike.
  private static func accounts(_ count: Int) -> [(String, Int)] {
    (0..<UInt64(count)).map { number in
      var seed = number.bytes + [UInt8](repeating: 0, count: 24)
      guard let key = SecretKey(seed: SecretBytes(wiping: &seed)) else {
        preconditionFailure("a seed has 32 bytes")
      }
      return ("\(key.publicKey)", 1)
    }
  }

  private func seconds(since start: Instant) -> String {
    "\(decimal(Double((devnet.loop.now - start).wholeNanoseconds) / 1e9)) s"
  }
}

extension UInt64 {
  fileprivate var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) } }
}
