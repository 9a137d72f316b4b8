public import Kernel

/// A contract in Lisp: a program with a `(contract …)` form.
public struct LispContract: Sendable {
  let program: LispProgram
  let contract: LispProgram.Contract

  /// - Throws: `LispFailure` with what was expected and where.
  public init(source: [UInt8]) throws(LispFailure) {
    let program = try LispProgram(source: source)
    guard let contract = program.contract else { throw LispFailure(.expected("(contract …)")) }
    (self.program, self.contract) = (program, contract)
  }

  /// What the account's creator sends: length 2 ‖ source ‖ the list of arguments, encoded.
  ///
  /// Nil for a source that is too long.
  public static func creation(source: [UInt8], arguments: Datum) -> [UInt8]? {
    UInt16(exactly: source.count).map { $0.littleEndianBytes + source + arguments.bytes }
  }

  /// The source and the encoded arguments of a creation.
  public static func parts(
    of creation: [UInt8]
  ) throws(DecodingFailure) -> (source: [UInt8], arguments: [UInt8]) {
    var reader = ByteReader(creation)
    let source = try reader.array(Int(try reader.uint16()))
    return (source, try reader.array(reader.remaining))
  }

  /// Sets the state variables of a new contract: parameters to the call's data, then the others.
  func create(_ call: Call, on world: inout World) -> Outcome {
    run(call, as: Sending(), on: &world) { machine throws(LispProblem) in
      _ = try machine.value(ofMessage: call.data, facets: false)
      guard case .list(let arguments) = try? Datum(call.data, facets: false),
        arguments.count == contract.parameters.count
      else { throw .expected("\(contract.parameters.count) arguments of the contract") }
      for (parameter, argument) in zip(contract.parameters, arguments) {
        try machine.store(argument.bytes, at: Datum.symbol(parameter).bytes)
      }
      _ = try machine.run(contract.create)
      return []
    }
  }

  /// Answers a message; the world has moved its value already, and undoes everything if it fails.
  ///
  /// The data is `(message argument …)`, and nothing stands for `(receive)`.
  func answer(_ call: Call, as sending: Sending, on world: inout World) -> Outcome {
    run(call, as: sending, on: &world) { machine throws(LispProblem) in
      let (name, arguments) = try machine.message()
      guard let handler = contract.handlers[name] else { throw .unbound(name) }
      guard handler.access != .only || sending.author == .facet else {
        throw .expected("a facet that allows \(name)")
      }
      guard handler.access == .view || !sending.isView else { throw .viewWrites }
      machine.sending.isView = handler.access == .view
      return try machine.encoded(machine.run(handler.lambda, arguments: arguments))
    }
  }

  /// Pays for reading and compiling the source, runs its definitions, then `body`, which answers.
  private func run(
    _ call: Call,
    as sending: Sending,
    on world: inout World,
    _ body: (inout LispMachine) throws(LispProblem) -> [UInt8]
  ) -> Outcome {
    var machine = LispMachine(program, call: call, sending: sending)
    // The machine has the world to itself, without a copy.
    swap(&machine.world, &world)
    defer { swap(&machine.world, &world) }
    do throws(LispProblem) {
      try machine.charge(GasPrice.sourceLoad(bytes: program.source.count))
      _ = try machine.run(program.main)
      return .returned(try body(&machine), gasLeft: machine.gas)
    } catch .outOfGas {
      return .failed(.outOfGas)
    } catch {
      let reason = machine.failure(error).description.utf8
      return .failed(.reverted, data: Array(reason.prefix(1_024)))
    }
  }
}

extension LispMachine {
  /// What the call's data ask.
  fileprivate mutating func message() throws(LispProblem) -> (name: String, [Value]) {
    guard !call.data.isEmpty else { return ("receive", []) }
    let items = try items(value(ofMessage: call.data, facets: sending.author != .anyone))
    guard case .symbol(let symbol) = items.first else { throw .expected("(message argument …)") }
    return (name(symbol), Array(items.dropFirst()))
  }
}

extension LispProgram {
  /// Runs the program's forms in an empty world; the value of the last is the result.
  public func run(
    gas: UInt64
  ) -> (result: Result<Datum, LispFailure>, gasLeft: UInt64, steps: UInt64) {
    let call = Call(caller: .zero, contract: .zero, value: 0, gas: gas, data: [])
    var machine = LispMachine(self, call: call, sending: Sending())
    do throws(LispProblem) {
      let value = try machine.run(main)
      return (.success(try machine.datum(of: value)), machine.gas, machine.steps)
    } catch {
      return (.failure(machine.failure(error)), 0, machine.steps)
    }
  }
}
