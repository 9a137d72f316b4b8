import Kernel

/// What tinychain's story came to, in figures.
struct TinyChainTable: DevnetTable {
  struct Step: Sendable {
    let what: String
    let id: String
    let height: UInt64
    let gas: UInt64
    /// Hexadecimal.
    let output: String
    /// From the start of the command to its end.
    let microseconds: Int64
  }

  let steps: [Step]
  let usage: ProcessUsage
  let restartMilliseconds: Int64
  let repositoryRoot: String

  var text: String {
    let rows =
      [["transaction", "id", "block", "gas", "command ms"]]
      + steps.map { step in
        [
          step.what, String(step.id.prefix(16)), "\(step.height)", "\(step.gas)",
          TextTable.tenths(UInt64(max(0, step.microseconds)), per: 1000),
        ]
      }
    return "\n" + TextTable.columns(rows, left: 2) + """

      Milliseconds of the whole command: start, password, dry run, signature, block, answer.

      The node has \(TextTable.tenths(usage.residentBytes, per: 1_000_000)) MB RSS; it was back \
      \(restartMilliseconds) ms after kill -9. The repository's state root is \
      \(repositoryRoot.prefix(16)).

      """
  }

  var json: JSON {
    [
      "transactions": .array(
        steps.map { step in
          [
            "what": .string(step.what),
            "id": .string(step.id),
            "height": JSON(step.height),
            "gas_used": JSON(step.gas),
            "command_us": JSON(step.microseconds),
          ]
        },
      ),
      "resident_bytes": JSON(usage.residentBytes),
      "restart_ms": JSON(restartMilliseconds),
      "repository_state_root": .string(repositoryRoot),
    ]
  }
}
