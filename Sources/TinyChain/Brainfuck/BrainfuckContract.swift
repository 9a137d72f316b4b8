import Kernel

/// A contract while it answers a call: code, run on a tape that is its own.
///
/// Page 0 of the tape is scratch, zero at the start of each call; pages 1 to 255 stay.
public struct BrainfuckContract {
  /// Cells of the tape in one page.
  public static let pageSize = 256

  private let contract: Address
  private let program: BrainfuckProgram
  private var machine: BrainfuckMachine
  private var folded: FoldedProgram?
  /// Gas until folding.
  private var patience: Int64

  /// Answers a call; the world has moved its value already, and undoes everything if it fails.
  static func answer(_ call: Call, by code: BrainfuckCode, on world: inout World) -> Outcome {
    var contract = BrainfuckContract(code, call, height: world.height)
    do throws(CallFailure) {
      try contract.charge(GasPrice.codeLoad(bytes: code.bytes.count))
      let isRaw = code.mode == .raw
      let data = isRaw ? try contract.runRaw(world) : try contract.runFramed(&world)
      try contract.writePages(&world)
      return .returned(data, gasLeft: UInt64(contract.machine.gas))
    } catch {
      let isSaid = error == .reverted
      return .failed(error, data: isSaid ? Array(contract.machine.output.dropFirst(3)) : [])
    }
  }

  private init(_ code: BrainfuckCode, _ call: Call, height: UInt64) {
    var input: [UInt8] = []
    if code.mode == .framed {
      // caller 20 ‖ value 8 ‖ height 4 ‖ length 2
      input = call.caller.bytes + call.value.littleEndianBytes
      input += UInt32(truncatingIfNeeded: height).littleEndianBytes
      input += UInt16(call.data.count).littleEndianBytes
    }
    (contract, program) = (call.contract, code.program)
    let page = [UInt8](repeating: 0, count: Self.pageSize)
    machine = BrainfuckMachine(tape: page, input: input + call.data, gas: call.gas)
    patience = 16 * Int64(program.opcodes.count)
  }

  private mutating func charge(_ price: UInt64) throws(CallFailure) {
    guard price <= UInt64(machine.gas) else { throw .outOfGas }
    machine.gas -= Int64(price)
  }

  /// The answer is all that the program writes.
  private mutating func runRaw(_ world: World) throws(CallFailure) -> [UInt8] {
    machine.outputPause = Call.dataMax + 1
    guard try run(world) == .finished else { throw .answerTooLong }
    return machine.output
  }

  /// Carries out frame after frame, until one ends the call or the program ends between two.
  private mutating func runFramed(_ world: inout World) throws(CallFailure) -> [UInt8] {
    while true {
      machine.outputPause = 1
      machine.output.removeAll(keepingCapacity: true)
      repeat {
        guard try run(world) == .outputPaused else {
          guard machine.output.isEmpty else { throw .unfinishedFrame }
          return []
        }
        machine.outputPause = try ContractFrame.size(startingWith: machine.output)
      } while machine.outputPause > machine.output.count
      try charge(GasPrice.frame(bytes: machine.output.count))
      guard let kind = ContractFrame.Kind(rawValue: machine.output[0]) else { continue }
      let frame = ContractFrame(kind: kind, bytes: machine.output)
      if kind == .answer { return frame.data }
      if kind == .revert { throw .reverted }
      machine.input += try reply(to: frame, &world)
    }
  }

  /// Runs until the program ends or its output pauses it, loading pages on the way.
  private mutating func run(_ world: World) throws(CallFailure) -> BrainfuckStop {
    while true {
      let stop = runPatiently()
      switch stop {
      case .finished, .outputPaused: return stop
      case .outOfGas: throw .outOfGas
      case .leftTape: throw .leftTape
      case .pageNeeded:
        try charge(GasPrice.pageLoad)
        let page = world.state[.page(UInt8(machine.tape.count / Self.pageSize), of: contract)]
        machine.tape += page ?? [UInt8](repeating: 0, count: Self.pageSize)
      }
    }
  }

  /// Runs naively at first, and folds the program once it has spent 16 gas for each instruction.
  ///
  /// So folding, which takes up to 48 bytes and about 30 times the time of an instruction for each of
  /// the program, stays in proportion to the gas of the call that needs it.
  private mutating func runPatiently() -> BrainfuckStop {
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

  /// Does what a frame asks for that does not end the call.
  ///
  /// - Returns: what is appended to the contract's input.
  private mutating func reply(
    to frame: ContractFrame,
    _ world: inout World
  ) throws(CallFailure) -> [UInt8] {
    var reply = ByteWriter()
    switch frame.kind {
    case .answer, .revert: preconditionFailure("ends the call")
    case .event:
      try charge(UInt64(frame.data.count))
      world.emit(frame.data, from: contract)
    case .sha256:
      try charge(GasPrice.sha256(bytes: frame.data.count))
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
      try charge(world.sendingPrice(of: value, to: to))
      reply.integer(UInt8(world.transfer(value, from: contract, to: to) ? 1 : 0))
    case .call:
      let (to, value) = (frame.address(at: 1), frame.number(at: 21))
      try charge(world.sendingPrice(of: value, to: to))
      let gas = GasPrice.forwarded(frame.number(at: 29), of: UInt64(machine.gas))
      let call = Call(caller: contract, contract: to, value: value, gas: gas, data: frame.data)
      let outcome = world.call(call).outcome
      machine.gas -= Int64(gas - outcome.gasLeft)
      try charge(UInt64(outcome.data.count))
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
  private mutating func writePages(_ world: inout World) throws(CallFailure) {
    for index in 1..<max(machine.tape.count / Self.pageSize, 1) {
      let page = machine.tape[index * Self.pageSize..<(index + 1) * Self.pageSize]
      let key = StateKey.page(UInt8(index), of: contract)
      let before = world.state[key]
      let isChanged = before.map { !page.elementsEqual($0) } ?? page.contains { $0 != 0 }
      guard isChanged else { continue }
      try charge(before == nil ? GasPrice.pageFirstWrite : GasPrice.pageWrite)
      world.state[key] = Array(page)
    }
  }
}
