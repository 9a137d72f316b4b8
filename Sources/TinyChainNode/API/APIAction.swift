import Kernel
import TinyChain

/// What `/api/NAME` does.
struct APIAction: Sendable {
  typealias Run = @Sendable (APICall, APIContext) async throws -> JSON

  let name: String
  /// One line for the index: what it does, and its fields.
  let summary: String
  let run: Run

  init(_ name: String, _ summary: String, run: @escaping Run) {
    (self.name, self.summary, self.run) = (name, summary, run)
  }
}

/// What actions work with.
struct APIContext: Sendable {
  let node: ChainNode
  let gate: EvaluationGate

  var isMain: Bool { node.parameters.isMain }
}
