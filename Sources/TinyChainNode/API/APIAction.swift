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
  let node: any ServingNode
  let gate: EvaluationGate
  /// Calls of a network for development, which depend on the node.
  let development: Development

  enum Development: Sendable {
    case none
    /// A chain that can go back, and forward by itself.
    case instant(ChainNode)
    /// A node among others, from whom it can be cut off.
    case mined(cut: @Sendable (Bool) async -> Void)
  }

  var isMain: Bool { node.parameters.isMain }
}
