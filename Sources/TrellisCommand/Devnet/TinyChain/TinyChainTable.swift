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

  struct Fork: Sendable {
    /// Blocks that the lighter side took back.
    let undone: UInt64
    /// From joining until both payments are on both sides' chain.
    let healMilliseconds: Int64
  }

  let steps: [Step]
  let nodes: [(name: String, usage: ProcessUsage)]
  let fork: Fork
  let height: UInt32
  let restartMilliseconds: Int64
  let syncMilliseconds: Int64
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
    let processes =
      [["node", "RSS MB", "CPU s"]]
      + nodes.map { node in
        [
          node.name, TextTable.tenths(node.usage.residentBytes, per: 1_000_000),
          TextTable.tenths(node.usage.processorMilliseconds, per: 1000),
        ]
      }
    return "\n" + TextTable.columns(rows, left: 2) + """

      Milliseconds of the whole command: start, password, dry run, signature, the wait for a mined \
      block, answer.

      """ + "\n" + TextTable.columns(processes, left: 1) + """

        The fork: \(fork.undone) blocks taken back, and both payments mined \
        \(fork.healMilliseconds) ms after the sides were joined. After kill -9 the node had caught up \
        in \(restartMilliseconds) ms; a new one had all \(height) blocks in \(syncMilliseconds) ms. \
        The repository's state root is \(repositoryRoot.prefix(16)).

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
      "nodes": .array(
        nodes.map { node in
          [
            "name": .string(node.name),
            "resident_bytes": JSON(node.usage.residentBytes),
            "processor_ms": JSON(node.usage.processorMilliseconds),
          ]
        }
      ),
      "undone_blocks": JSON(fork.undone),
      "heal_ms": JSON(fork.healMilliseconds),
      "height": JSON(height),
      "restart_ms": JSON(restartMilliseconds),
      "sync_ms": JSON(syncMilliseconds),
      "repository_state_root": .string(repositoryRoot),
    ]
  }
}
