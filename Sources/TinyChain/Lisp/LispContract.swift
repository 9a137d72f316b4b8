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
  public static func creation(source: [UInt8], arguments: [Datum]) -> [UInt8] {
    var writer = ByteWriter()
    writer.integer(UInt16(source.count))
    writer.array(source)
    writer.array(Datum.list(arguments).bytes)
    return writer.bytes
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
  public func create(_ call: Call, on host: inout some LispHost) -> Outcome {
    var machine = LispMachine(program, call: call, sending: Sending())
    do throws(LispFailure) {
      try begin(&machine, on: &host)
      do throws(LispProblem) {
        _ = try machine.value(ofMessage: call.data, facets: false)
        guard case .list(let arguments) = try? Datum(call.data, facets: false),
          arguments.count == contract.parameters.count
        else { throw .expected("\(contract.parameters.count) arguments of the contract") }
        for (parameter, argument) in zip(contract.parameters, arguments) {
          try machine.store(argument, at: .symbol(parameter), on: &host)
        }
      } catch { throw LispFailure(error) }
      _ = try machine.run(contract.create, on: &host)
      return .returned([], gasLeft: UInt64(machine.gas))
    } catch {
      return Self.outcome(of: error)
    }
  }

  /// Answers a message; the host has moved its value already, and undoes everything if it fails.
  ///
  /// The data is `(message argument …)`, and nothing stands for `(receive)`.
  public func answer(
    _ call: Call,
    as sending: Sending = Sending(),
    on host: inout some LispHost
  ) -> Outcome {
    var machine = LispMachine(program, call: call, sending: sending)
    do throws(LispFailure) {
      try begin(&machine, on: &host)
      let (handler, arguments) = try message(call, sending, &machine)
      let isView = sending.isView || handler.access == .view
      machine.sending.isView = isView
      let result = try machine.run(handler.lambda, arguments: arguments, on: &host)
      do throws(LispProblem) {
        return .returned(try machine.datum(of: result).bytes, gasLeft: UInt64(machine.gas))
      } catch { throw LispFailure(error) }
    } catch {
      return Self.outcome(of: error)
    }
  }

  /// Pays for reading and compiling the source, and runs its definitions.
  private func begin(
    _ machine: inout LispMachine,
    on host: inout some LispHost
  ) throws(LispFailure) {
    do throws(LispProblem) {
      try machine.charge(Int64(GasPrice.codeLoad(bytes: program.source.count)))
    } catch { throw LispFailure(error) }
    _ = try machine.run(program.main, on: &host)
  }

  private func message(
    _ call: Call,
    _ sending: Sending,
    _ machine: inout LispMachine
  ) throws(LispFailure) -> (Handler, [Value]) {
    do throws(LispProblem) {
      var arguments: [Value] = []
      var name = "receive"
      if !call.data.isEmpty {
        var rest = try machine.value(ofMessage: call.data, facets: sending.author != .anyone)
        while case .pair(let place) = rest {
          arguments.append(machine.heap[place])
          rest = machine.heap[place + 1]
        }
        guard case .symbol(let symbol) = arguments.first else {
          throw .expected("(message argument …)")
        }
        name = machine.name(symbol)
        arguments.removeFirst()
      }
      guard let handler = contract.handlers[name] else { throw .unbound(name) }
      guard handler.access != .only || sending.author == .facet else {
        throw .expected("a facet that allows \(name)")
      }
      guard handler.access == .view || !sending.isView else { throw .viewWrites }
      return (handler, arguments)
    } catch { throw LispFailure(error) }
  }

  private static func outcome(of failure: LispFailure) -> Outcome {
    guard failure.problem != .outOfGas else { return .failed(.outOfGas) }
    let reason = Array(failure.description.utf8.prefix(1_024))
    return .failed(.reverted, data: reason)
  }
}

extension LispProgram {
  /// Runs the program's forms; the value of the last is its result.
  public func run(
    _ call: Call,
    on host: inout some LispHost
  ) -> (result: Result<Datum, LispFailure>, gasLeft: UInt64, steps: UInt64) {
    var machine = LispMachine(self, call: call, sending: Sending())
    do throws(LispFailure) {
      let value = try machine.run(main, on: &host)
      do throws(LispProblem) {
        let datum = try machine.datum(of: value)
        return (.success(datum), UInt64(machine.gas), machine.steps)
      } catch { throw LispFailure(error) }
    } catch {
      return (.failure(error), 0, machine.steps)
    }
  }
}
