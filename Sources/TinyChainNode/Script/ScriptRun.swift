import Kernel
import Secp256k1
import TinyChain

/// A script being carried out, upon a chain of its own.
public struct ScriptRun {
  /// What a statement cost.
  public struct Cost: Hashable, Sendable {
    public let line: Int
    public let statement: String
    public let gas: UInt64
  }

  /// What a script came to.
  public struct Report: Sendable {
    /// Nil if all went as expected.
    public let failure: ContractScript.Failure?
    public let expectations: Int
    public let costs: [Cost]

    public var gas: UInt64 { costs.reduce(0) { $0 + $1.gas } }
  }

  private typealias Failure = ContractScript.Failure

  /// What the last call came to.
  private struct Answer {
    let line: Int
    let output: [UInt8]
    /// Nil after a success.
    var failure: String?
    var events: [Receipt.Event] = []
    /// Whether the output is a value.
    var isLisp = false
  }

  private var chain: Chain
  private var keys: [String: ECDSASecretKey] = [:]
  private var contracts: [String: Address] = [:]
  private var sender: String?
  private var time: UInt64
  private var last: Answer?
  private var expectations = 0
  private var costs: [Cost] = []
  private let file: (String) throws -> [UInt8]

  /// Carries a script out.
  ///
  /// `file` reads what `deploy` names, and throws what is wrong with it.
  public static func report(
    _ script: ContractScript,
    file: @escaping (String) throws -> [UInt8]
  ) -> Report {
    var run = ScriptRun(script, file: file)
    var failure: ContractScript.Failure?
    do throws(ContractScript.Failure) {
      for line in script.lines { try run.carryOut(line) }
      try run.acknowledge()
    } catch {
      failure = error
    }
    return Report(failure: failure, expectations: run.expectations, costs: run.costs)
  }

  private init(_ script: ContractScript, file: @escaping (String) throws -> [UInt8]) {
    self.file = file
    var parameters = NetworkParameters.dev
    parameters.name = "script"
    parameters.fees = .fixed(0)
    parameters.subsidy = 0
    parameters.allocations = []
    for line in script.lines {
      guard case .account(let name, let units) = line.statement, keys[name] == nil else { continue }
      var seed = SHA256.hash(Array("tinychain test account \(name)".utf8)).bytes
      guard let key = ECDSASecretKey(SecretBytes(wiping: &seed)) else { continue }
      keys[name] = key
      // The supply of a network is at most 2^63.
      let room = UInt64(1) << 62 - parameters.allocations.reduce(0) { $0 + $1.units }
      parameters.allocations.append((Address(key.publicKey), min(units, room)))
      if sender == nil { sender = name }
    }
    chain = Chain(parameters)
    time = parameters.genesisTime
  }

  private func address(_ name: String) -> Address? {
    contracts[name] ?? keys[name].map { Address($0.publicKey) }
  }

  // MARK: Statements

  private mutating func carryOut(_ line: ContractScript.Line) throws(Failure) {
    func failure(_ problem: String) -> Failure { Failure(line: line.number, problem: problem) }
    if case .expect(let expectation) = line.statement {
      expectations += 1
      return try check(expectation, line.number)
    }
    try acknowledge()
    switch line.statement {
    case .account, .expect: break
    case .sender(let name):
      guard keys[name] != nil else { throw failure("there is no account \(name)") }
      sender = name
    case .deploy(let name, let path, let arguments):
      guard address(name) == nil else { throw failure("\(name) is there already") }
      let (kind, data) = try creation(path, arguments, line.number)
      try transact(Request(kind, data: data), line)
      if let output = last?.output, last?.failure == nil { contracts[name] = Address(output) }
    case .call(let name, let message, let value):
      let (to, data) = try question(name, message, line.number)
      try transact(Request(.call, to: to, value: value, data: data), line)
    case .send(let name, let value):
      guard let to = address(name) else { throw failure("nobody is called \(name)") }
      try transact(Request(.transfer, to: to, value: value), line)
    case .ask(let name, let message):
      let (to, data) = try question(name, message, line.number)
      let from = sender.flatMap(address) ?? .zero
      let gas = Transaction.gasMax
      let call = Call(caller: from, contract: to, value: 0, gas: gas, data: data)
      let outcome = chain.ask(call)
      last = Answer(
        line: line.number,
        output: outcome.data,
        failure: outcome.failure.map { Self.words($0, outcome.data) },
        isLisp: isLisp(to)
      )
    case .warpBlocks(let count):
      let header = chain.tip.header
      guard header.height.addingReportingOverflow(count).overflow == false else {
        throw failure("there are no heights beyond \(UInt32.max)")
      }
      // As if so many empty blocks had been: they would change nothing but the height.
      var later = header
      later.height += count
      chain = Chain(chain.parameters, state: chain.state, tip: later, id: chain.tip.id)
    case .warpSeconds(let seconds): time += seconds
    }
  }

  private func question(
    _ name: String,
    _ message: String,
    _ line: Int
  ) throws(Failure) -> (Address, [UInt8]) {
    guard let to = address(name) else {
      throw Failure(line: line, problem: "nobody is called \(name)")
    }
    do throws(MessageText.Failure) {
      return (to, try MessageText.bytes(of: message, names: address))
    } catch {
      throw Failure(line: line, problem: "\(error)")
    }
  }

  private func creation(
    _ path: String,
    _ arguments: [String],
    _ line: Int
  ) throws(Failure) -> (Transaction.Kind, [UInt8]) {
    func failure(_ problem: String) -> Failure { Failure(line: line, problem: problem) }
    guard let language = ProgramFile.Language(path: path) else {
      throw failure("\(path) ends in none of .bf, .asm and .lisp")
    }
    do {
      switch try ProgramFile(try file(path), in: language) {
      case .brainfuck(let program):
        let mode: BrainfuckMode = language == .assembly ? .framed : .raw
        return (.createBrainfuck, BrainfuckCode(mode: mode, program: program).bytes)
      case .lisp(let source):
        _ = try LispContract(source: source)
        let values = try arguments.map { try Reader.datum(AddressNames.resolved($0, address)) }
        guard let data = LispContract.creation(source: source, arguments: .list(values)) else {
          throw failure("\(path) is too long")
        }
        return (.createLisp, data)
      }
    } catch {
      throw failure("\(path): \(error)")
    }
  }

  private mutating func transact(
    _ request: Request,
    _ line: ContractScript.Line
  ) throws(Failure) {
    guard let sender, let key = keys[sender] else {
      throw Failure(line: line.number, problem: "there is no account to send this")
    }
    let account = chain.state.account(Address(key.publicKey))
    let transaction = request.transaction(on: chain.id, nonce: account.nonce, maxPrice: 0)
    let signed = SignedTransaction(transaction, by: key)
    let header = InstantSequencer().draft(after: chain.tip.header, at: time, for: .zero)
    let block = chain.executed([signed], under: header)
    if let (_, reason) = block.skipped.first {
      let words = reason.explanation
      last = Answer(line: line.number, output: [], failure: words)
      return
    }
    chain.append(block)
    let execution = block.executions[0]
    last = Answer(
      line: line.number,
      output: execution.output,
      failure: execution.failure.map { Self.words($0, execution.output) },
      events: execution.receipt.events,
      isLisp: request.kind == .call && isLisp(request.to)
    )
    // A failure takes all the gas it is given, which says nothing of the contract.
    guard execution.failure == nil else { return }
    costs.append(
      Cost(line: line.number, statement: line.text, gas: execution.receipt.gasUsed)
    )
  }

  private func isLisp(_ contract: Address) -> Bool { chain.state.account(contract).code == .lisp }

  private static func words(_ failure: CallFailure, _ data: [UInt8]) -> String {
    let reason = String(decoding: data, as: UTF8.self)
    return failure.name + (reason.isEmpty ? "" : ", \(reason)")
  }

  // MARK: Expectations

  /// A failure that nobody expected ends the script.
  private mutating func acknowledge() throws(Failure) {
    guard let answer = last, let failure = answer.failure else { return }
    throw Failure(line: answer.line, problem: "it failed: \(failure)")
  }

  private mutating func check(
    _ expectation: ContractScript.Expectation,
    _ line: Int
  ) throws(Failure) {
    func failure(_ problem: String) -> Failure { Failure(line: line, problem: problem) }
    switch expectation {
    case .failure(let words):
      guard let answer = last else { throw failure("nothing was called") }
      guard let reason = answer.failure else {
        throw failure(
          "expected a failure, but it answered \(Self.shown(answer.output, isLisp: answer.isLisp))"
        )
      }
      // Not `contains`, which takes in the library of regular expressions: 1.2 MB.
      let isSaid = reason.utf8.indices.contains { reason.utf8[$0...].starts(with: words.utf8) }
      guard words.isEmpty || isSaid else {
        throw failure("expected a failure that says \(words), but it says: \(reason)")
      }
      last = Answer(line: line, output: [], failure: nil)
    case .answer(let expected):
      try acknowledge()
      guard let answer = last else { throw failure("nothing was called") }
      guard matches(answer.output, expected) else {
        throw failure(
          "expected \(expected), but it answered \(Self.shown(answer.output, isLisp: answer.isLisp))"
        )
      }
    case .event(let expected):
      try acknowledge()
      let events = last?.events ?? []
      guard events.contains(where: { matches($0.data, expected) }) else {
        let said = events.map { Self.shown($0.data, isLisp: isLisp($0.contract)) }
          .joined(separator: ", ")
        throw failure("expected event \(expected), but there were: \(said.isEmpty ? "none" : said)")
      }
    case .balance(let name, let units):
      try acknowledge()
      guard let account = address(name) else { throw failure("nobody is called \(name)") }
      let balance = chain.state.account(account).balance
      guard balance == units else {
        throw failure("expected \(name) to have \(units), but it has \(balance)")
      }
    }
  }

  private static func shown(_ bytes: [UInt8], isLisp: Bool) -> String {
    bytes.isEmpty ? "nothing" : AnswerText.text(of: bytes, isLisp: isLisp)
  }

  /// Whether an answer is what a script writes: a value of Lisp, or bytes as in a message.
  private func matches(_ bytes: [UInt8], _ expected: String) -> Bool {
    if expected == "nothing" { return bytes.isEmpty }
    if let value = try? Reader.datum(AddressNames.resolved(expected, address)),
      value.bytes == bytes
    {
      return true
    }
    return (try? MessageText.bytes(of: expected, names: address)) == bytes
  }
}
