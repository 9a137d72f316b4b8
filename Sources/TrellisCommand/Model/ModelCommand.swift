import Kernel
import MeshSimulation
import Service

let modelCommand = Command(
  "model",
  summary: "Visits every state of a small model of a protocol and checks its promises",
  subcommands: [modelMeshCommand]
)

private let mutant = Option<ModelMutant?>(
  "mutant",
  .optional(.choice),
  default: nil,
  scope: .commandLine,
  help: "Leave this out of the protocol; the command then fails and shows what comes of it"
)
private let larger = Option<Bool>(
  "larger",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Larger bounds: twice the time"
)
private let statesMax = Option<Int>(
  "states_max",
  .integer(1...200_000_000),
  default: 60_000_000,
  scope: .commandLine,
  help: "Fail after so many states; 30 bytes each"
)

private let modelMeshCommand = Command(
  "mesh",
  summary: "Broadcast and recovery ballots of MESH, one of four validators Byzantine",
  discussion: """
    Three honest validators, each a real ledger; every message may arrive never, once or often, at any \
    time. At most one certificate for each slot, equal states, the supply equation, and an honest owner's \
    slot that can always be settled, though its wallet loses its database once. Exit status 0 if all \
    holds in every state.
    """,
  examples: [
    .init("trellis model mesh", "All states within small bounds"),
    .init("trellis model mesh --mutant noJustification", "The steps to two certificates"),
  ],
  options: [mutant, larger, statesMax, json]
) { call in
  var results: [JSON] = []
  var failure: CommandFailure?
  for part in ModelPart.all(mutant: call[mutant], isLarger: call[larger]) {
    let start = ContinuousClock.now
    var model = BroadcastModel(part.bounds, mutant: call[mutant])
    let result = model.run(statesMax: call[statesMax])
    let milliseconds = (ContinuousClock.now - start).wholeMilliseconds
    if call[json] {
      results.append(part.json(result, milliseconds: milliseconds))
    } else {
      Terminal.standard.print(part.text(result, milliseconds: milliseconds))
    }
    if let violation = result.violation {
      failure = CommandFailure("a promise is broken: \(violation.text)")
    } else if result.isCut {
      failure = CommandFailure("there are more than \(result.states) states: --states-max")
    }
    if failure != nil { break }
  }
  if call[json] {
    let output: JSON = [
      "system": "mesh",
      "mutant": call[mutant].map { .string($0.rawValue) } ?? .null,
      "parts": .array(results),
    ]
    Terminal.standard.print(output.text + "\n")
  }
  if let failure { throw failure }
}

/// One set of bounds.
private struct ModelPart {
  let name: String
  let bounds: BroadcastModel.Bounds

  /// Where a mutant shows itself; else all that there is to see.
  static func all(mutant: ModelMutant?, isLarger: Bool) -> [ModelPart] {
    switch mutant {
    case .noJustification, .volatileLocks: [byzantineOwner(ballots: 1)]
    case .credulousWallet, .trustfulWallet, .volatileBallot: [claim(byzantine: 0, honest: 2)]
    case nil:
      isLarger
        ? [byzantineOwner(ballots: 3), claim(byzantine: 1, honest: 2)]
        : [byzantineOwner(ballots: 2), claim(byzantine: 1, honest: 1)]
    }
  }

  private static func byzantineOwner(ballots: Int) -> ModelPart {
    ModelPart(
      name: "a Byzantine owner, ballots 0...\(ballots)",
      bounds: .init(byzantineBallots: ballots, honestBallots: nil)
    )
  }

  private static func claim(byzantine: Int, honest: Int) -> ModelPart {
    ModelPart(
      name: "and an honest one who claims, ballots 0...\(byzantine) and 0...\(honest)",
      bounds: .init(byzantineBallots: byzantine, honestBallots: honest)
    )
  }

  func text(_ result: BroadcastModel.Result, milliseconds: Int64) -> String {
    var text = "\(name): \(result.states) states (\(result.validatorStates) of one validator), "
    text += "\(result.transitions) steps, \(milliseconds / 1000).\(milliseconds % 1000 / 100) s\n"
    guard let violation = result.violation else { return text }
    for (number, step) in violation.trace.enumerated() { text += "  \(number + 1). \(step)\n" }
    return text + "  \(violation.text)\n"
  }

  func json(_ result: BroadcastModel.Result, milliseconds: Int64) -> JSON {
    [
      "bounds": .string(name),
      "states": JSON(result.states),
      "validator_states": JSON(result.validatorStates),
      "steps": JSON(result.transitions),
      "milliseconds": JSON(milliseconds),
      "violation": result.violation.map { .string($0.text) } ?? .null,
      "trace": .array((result.violation?.trace ?? []).map { .string($0) }),
    ]
  }
}
