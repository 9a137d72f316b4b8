import Kernel

/// A contract: code, run on a tape that is its own.
///
/// Page 0 of the tape is scratch, zero at the start of each call; pages 1 to 255 stay.
public struct BrainfuckContract: Sendable {
  /// Cells of the tape in one page.
  public static let pageSize = 256

  public let mode: BrainfuckMode
  private let program: BrainfuckProgram
  private let size: Int

  public init(_ code: BrainfuckCode) {
    mode = code.mode
    program = code.program
    size = code.bytes.count
  }

  /// Answers a call; the world has moved its value already, and undoes everything if it fails.
  func answer(_ call: Call, on world: inout World) -> Outcome {
    let header = mode == .framed ? Self.header(of: call, height: world.height) : []
    var machine = BrainfuckMachine(
      tape: [UInt8](repeating: 0, count: Self.pageSize),
      input: header + call.data,
      gas: call.gas
    )
    var engine = PatientEngine(program)
    do throws(CallFailure) {
      try machine.charge(GasPrice.codeLoad(bytes: size))
      let data: [UInt8]
      switch mode {
      case .framed: data = try runFramed(&machine, by: &engine, of: call.contract, on: &world)
      case .raw: data = try runRaw(&machine, by: &engine, of: call.contract, on: world)
      }
      try writePages(of: call.contract, &machine, on: &world)
      return .returned(data, gasLeft: UInt64(machine.gas))
    } catch .reverted {
      return .failed(.reverted, data: Array(machine.output.dropFirst(3)))
    } catch {
      return .failed(error)
    }
  }

  /// caller 20 ‖ value 8 ‖ height 4 ‖ length 2.
  private static func header(of call: Call, height: UInt64) -> [UInt8] {
    precondition(call.data.count <= Call.dataMax)
    var writer = ByteWriter(capacity: 34)
    call.caller.encode(into: &writer)
    writer.integer(call.value)
    writer.integer(UInt32(truncatingIfNeeded: height))
    writer.integer(UInt16(call.data.count))
    return writer.bytes
  }

  /// The answer is all that the program writes.
  private func runRaw(
    _ machine: inout BrainfuckMachine,
    by engine: inout PatientEngine,
    of contract: Address,
    on world: World
  ) throws(CallFailure) -> [UInt8] {
    machine.outputPause = Call.dataMax + 1
    guard try run(&machine, by: &engine, of: contract, on: world) == .finished else {
      throw .answerTooLong
    }
    return machine.output
  }

  /// Carries out frame after frame, until one ends the call or the program ends between two.
  private func runFramed(
    _ machine: inout BrainfuckMachine,
    by engine: inout PatientEngine,
    of contract: Address,
    on world: inout World
  ) throws(CallFailure) -> [UInt8] {
    while true {
      machine.outputPause = 1
      machine.output.removeAll(keepingCapacity: true)
      repeat {
        guard try run(&machine, by: &engine, of: contract, on: world) == .outputPaused else {
          guard machine.output.isEmpty else { throw .unfinishedFrame }
          return []
        }
        machine.outputPause = try ContractFrame.size(startingWith: machine.output)
      } while machine.outputPause > machine.output.count
      try machine.charge(GasPrice.frame(bytes: machine.output.count))
      guard let kind = ContractFrame.Kind(rawValue: machine.output[0]) else { continue }
      let frame = ContractFrame(kind: kind, bytes: machine.output)
      if kind == .answer { return frame.data }
      if kind == .revert { throw .reverted }
      machine.input += try reply(to: frame, of: contract, &machine, on: &world)
    }
  }

  /// Runs until the program ends or its output pauses it, loading pages on the way.
  private func run(
    _ machine: inout BrainfuckMachine,
    by engine: inout PatientEngine,
    of contract: Address,
    on world: World
  ) throws(CallFailure) -> BrainfuckStop {
    while true {
      let stop = engine.run(&machine)
      switch stop {
      case .finished, .outputPaused: return stop
      case .outOfGas: throw .outOfGas
      case .leftTape: throw .leftTape
      case .pageNeeded:
        try machine.charge(GasPrice.pageLoad)
        let index = UInt8(machine.tape.count / Self.pageSize)
        machine.tape +=
          world.state[.page(index, of: contract)]
          ?? [UInt8](repeating: 0, count: Self.pageSize)
      }
    }
  }

  /// Does what a frame asks for that does not end the call.
  ///
  /// - Returns: what is appended to the contract's input.
  private func reply(
    to frame: ContractFrame,
    of contract: Address,
    _ machine: inout BrainfuckMachine,
    on world: inout World
  ) throws(CallFailure) -> [UInt8] {
    var reply = ByteWriter()
    switch frame.kind {
    case .answer, .revert: preconditionFailure("ends the call")
    case .event: world.emit(frame.data, from: contract)
    case .sha256:
      try machine.charge(GasPrice.sha256(bytes: frame.data.count))
      reply.bytes32(SHA256.hash(frame.data))
    case .info:
      switch frame.bytes[1] {
      case 0: reply.integer(world.height)
      case 1: reply.integer(world.time)
      case 2: reply.integer(world.balance(of: contract))
      case 3: reply.integer(UInt64(machine.gas))
      case 4: contract.encode(into: &reply)
      default: throw .unknownItem(frame.bytes[1])
      }
    case .send:
      let (to, value) = (frame.address(at: 1), frame.number(at: 21))
      try machine.charge(world.sendingPrice(of: value, to: to))
      reply.integer(UInt8(world.transfer(value, from: contract, to: to) ? 1 : 0))
    case .call:
      let (to, value) = (frame.address(at: 1), frame.number(at: 21))
      try machine.charge(world.sendingPrice(of: value, to: to))
      let gas = GasPrice.forwarded(frame.number(at: 29), of: UInt64(machine.gas))
      let call = Call(caller: contract, contract: to, value: value, gas: gas, data: frame.data)
      let outcome = world.call(call).outcome
      machine.gas -= Int64(gas - outcome.gasLeft)
      reply.integer(UInt8(outcome.isSuccess ? 1 : 0))
      reply.integer(UInt16(outcome.data.count))
      reply.array(outcome.data)
    case .create:
      let gas = GasPrice.forwarded(frame.number(at: 9), of: UInt64(machine.gas))
      let price = GasPrice.newAccount + GasPrice.code(bytes: frame.data.count)
      var created: Address?
      if price <= gas, let code = try? BrainfuckCode(frame.data) {
        created = world.create(code, value: frame.number(at: 1), by: contract)
      }
      machine.gas -= Int64(created == nil ? gas : price)
      reply.integer(UInt8(created == nil ? 0 : 1))
      (created ?? .zero).encode(into: &reply)
    }
    return reply.bytes
  }

  /// Writes back the pages that changed, at the end of a call that succeeds.
  private func writePages(
    of contract: Address,
    _ machine: inout BrainfuckMachine,
    on world: inout World
  ) throws(CallFailure) {
    for index in 1..<max(machine.tape.count / Self.pageSize, 1) {
      let start = index * Self.pageSize
      let page = machine.tape[start..<start + Self.pageSize]
      let key = StateKey.page(UInt8(index), of: contract)
      let before = world.state[key]
      let isChanged = before.map { !page.elementsEqual($0) } ?? page.contains { $0 != 0 }
      guard isChanged else { continue }
      try machine.charge(before == nil ? GasPrice.pageFirstWrite : GasPrice.pageWrite)
      world.state[key] = Array(page)
    }
  }
}

/// Runs a program naively at first, and folds it once it has spent 16 gas for each instruction.
///
/// So folding, which takes up to 48 bytes and about 30 times the time of an instruction for each of
/// the program, stays in proportion to the gas of the call that needs it.
private struct PatientEngine {
  private let program: BrainfuckProgram
  private var folded: FoldedProgram?
  /// Gas until folding.
  private var patience: Int64

  init(_ program: BrainfuckProgram) {
    self.program = program
    patience = 16 * Int64(program.opcodes.count)
  }

  mutating func run(_ machine: inout BrainfuckMachine) -> BrainfuckStop {
    if let folded { return machine.run(folded) }
    let withheld = max(0, machine.gas - patience)
    let given = machine.gas - withheld
    machine.gas = given
    let stop = machine.runNaively(program)
    patience -= given - machine.gas
    machine.gas += withheld
    guard stop == .outOfGas, withheld > 0 else { return stop }
    let folded = FoldedProgram(program)
    self.folded = folded
    return machine.run(folded)
  }
}

extension BrainfuckMachine {
  fileprivate mutating func charge(_ price: UInt64) throws(CallFailure) {
    guard price <= UInt64(gas) else { throw .outOfGas }
    gas -= Int64(price)
  }
}
