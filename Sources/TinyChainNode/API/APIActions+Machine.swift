import Kernel
import TinyChain

extension APIAction {
  /// `machine_…`: programs run for their caller, with nothing kept.
  static let machine: [APIAction] = [
    APIAction("machine_eval", "Run Brainfuck: from_acc, to_acc, data, gas") { call, context in
      for name in ["from_acc", "to_acc"] where try call.optionalText(name) ?? "" != "" {
        throw APIFailure.field(name, "must be empty: see contract_ask to ask a contract")
      }
      let program = try call.program()
      let gas = try call.gas()
      let report = try await context.gate.run {
        BrainfuckRun(program, gas: gas).run(outputMax: outputMax)
      }
      guard report.ending == .finished else {
        throw APIFailure(report.ending.rawValue, "the program spent \(report.gasUsed) gas")
      }
      return ["output": JSON(text(report.output)), "gas_used": JSON(report.gasUsed)]
    },
    APIAction("machine_trace", "Run Brainfuck step by step: data, gas, limit") { call, context in
      let program = try call.program()
      let gas = try call.gas()
      let limit = try call.optionalInteger("limit", 0...traceMax) ?? 1_000
      let (report, steps) = try await context.gate.run {
        var steps: [JSON] = []
        let report = BrainfuckRun(program, gas: gas).trace(outputMax: outputMax) { step in
          guard steps.count < limit else { return }
          steps.append([
            "instruction": JSON(step.index),
            "opcode": JSON(String(decoding: [step.opcode.character], as: UTF8.self)),
            "pointer": JSON(step.pointer), "cell": JSON(step.cell),
            "gas_left": JSON(step.gasLeft),
          ])
        }
        return (report, steps)
      }
      return [
        "status": JSON(report.ending.rawValue), "output_hex": JSON(report.output.hex),
        "gas_used": JSON(report.gasUsed), "steps": JSON(report.steps), "trace": .array(steps),
      ]
    },
  ]

  /// Bytes of an answer's output: a contract's answer has no more either.
  private static let outputMax = Call.dataMax
  private static let traceMax = 10_000

  /// A character for each byte, as the original wrote it: 0 to 255 are the first of Unicode.
  static func text(_ bytes: [UInt8]) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(Unicode.Scalar(byte)) }
    return String(text)
  }
}

extension APICall {
  func gas() throws(APIFailure) -> UInt64 {
    try optionalInteger("gas", 0...EvaluationGate.gasMax) ?? EvaluationGate.gasMax
  }

  /// What is no instruction is a comment.
  func program() throws(APIFailure) -> BrainfuckProgram {
    do {
      return try BrainfuckProgram(source: try text("data", max: 1 << 19).utf8)
    } catch let failure as BrainfuckCodeFailure {
      throw APIFailure("bad_program", "the program cannot be run: \(failure.explanation)")
    } catch let failure as APIFailure {
      throw failure
    } catch {
      preconditionFailure("no other error")
    }
  }
}
