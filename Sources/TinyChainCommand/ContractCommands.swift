import Kernel
import Service
import TinyChain
import TinyChainNode
import Vault

// MARK: deploy

private let program = Argument("file", .path, help: "A contract: .lisp, .asm or .bf")
private let arguments = Argument<[String]>(
  "argument",
  .list(of: .string),
  default: [],
  help: "Values of Lisp that the contract's parameters get"
)
private let mode = Option(
  "mode",
  .choice,
  default: ContractMode.auto,
  scope: .commandLine,
  help: "How a Brainfuck contract speaks; auto: framed for .asm, raw for .bf"
)

enum ContractMode: String, CaseIterable, Sendable {
  case auto, framed, raw

  func brainfuckMode(of language: ProgramFile.Language) -> BrainfuckMode {
    switch self {
    case .auto: language == .assembly ? .framed : .raw
    case .framed: .framed
    case .raw: .raw
    }
  }
}

/// `tinychain deploy`.
let deployCommand = Command(
  "deploy",
  summary: "Make a contract; prints its address",
  discussion: """
    Arguments are values of Lisp, of which `@name` is an account of the wallet: 5, 5u, #t, "text", \
    'symbol, @alice.
    """,
  examples: [
    .init("tinychain deploy counter.asm --from alice", "A contract in Brainfuck"),
    .init("tinychain deploy token.lisp @alice 1000000 --from alice", "One in Lisp"),
  ],
  options: ClientOptions.sending + [mode],
  arguments: [program, arguments]
) { call in
  let client = try Client(call)
  var request = try contractCreation(
    path: call[program],
    arguments: call[arguments],
    mode: call[mode],
    names: client.wallet.lisp
  )
  request.value = call[ClientOptions.value]
  request.gasLimit = call[ClientOptions.gasLimit]
  try await client.send(request) { answer in
    answer["output"]?.string.flatMap { [UInt8](hex: $0) }.flatMap { Address($0) }
      .map { $0.text(isMain: client.wallet.isMain) }
  }
}

/// What makes a contract of a file; what is wrong with it, is told with its line and column.
func contractCreation(
  path: String,
  arguments: [String],
  mode: ContractMode,
  names lisp: (String) throws -> Datum
) throws -> Request {
  guard let language = ProgramFile.Language(path: path) else {
    throw wrong("\(path) ends in none of .bf, .asm and .lisp, so its language is not known")
  }
  do {
    switch try ProgramFile(try read(path, bytesMax: ProgramFile.bytesMax), in: language) {
    case .brainfuck(let program):
      guard arguments.isEmpty else { throw wrong("a Brainfuck contract takes no arguments") }
      let mode = mode.brainfuckMode(of: language)
      return Request(.createBrainfuck, data: BrainfuckCode(mode: mode, program: program).bytes)
    case .lisp(let source):
      // Here the reader's line and column are at hand; the chain would only say that it failed.
      _ = try LispContract(source: source)
      let values = Datum.list(try arguments.map(lisp))
      guard let data = LispContract.creation(source: source, arguments: values) else {
        throw wrong("\(path) is too long")
      }
      return Request(.createLisp, data: data)
    }
  } catch let failure as ProgramFile.Failure {
    throw wrong("\(path) is no program: \(failure)")
  } catch let failure as LispFailure {
    throw wrong("\(path) is no contract: \(failure)")
  }
}

// MARK: call

private let contract = Argument("contract", .string, help: "Its address")
private let message = Argument(
  "message",
  .string,
  default: "",
  help: "Lisp in parentheses; or text; or items: 0x00ff, @name, 5u64, \"text\""
)
private let view = Option(
  "view",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Only ask: no transaction, nothing is kept, nobody pays"
)

/// `tinychain call`.
let callCommand = Command(
  "call",
  summary: "Send a message to a contract; prints its answer",
  examples: [
    .init("tinychain call ttiny1… '(transfer @bob 5)' --from alice", "To a contract in Lisp"),
    .init("tinychain call ttiny1… '(balance @bob)' --view", "Ask, without a transaction"),
    .init("tinychain call ttiny1… Ada --from alice", "To one in Brainfuck"),
  ],
  options: ClientOptions.sending + [view],
  arguments: [contract, message]
) { call in
  let client = try Client(call)
  let to = try client.wallet.address(call[contract])
  let data = try client.wallet.message(call[message])
  guard call[view] else {
    let request = Request(
      .call,
      to: to,
      value: call[ClientOptions.value],
      data: data,
      gasLimit: call[ClientOptions.gasLimit]
    )
    return try await client.send(request, result: Client.answerText)
  }
  var fields: JSON.Object = .init()
  fields["to"] = JSON(to.bytes.hex)
  fields["data"] = JSON(data.hex)
  if let from = call[ClientOptions.from] {
    fields["from"] = JSON(try client.wallet.address(from).bytes.hex)
  }
  try client.show(try await client.ask("contract_ask", .object(fields)), result: Client.answerText)
}
