/// A test of contracts, as its author writes it: a statement a line, `#` begins a comment line.
///
/// | statement | does |
/// |---|---|
/// | `account NAME UNITS` | an account that has so much from the beginning |
/// | `as NAME` | who sends what follows; at first the first account |
/// | `deploy NAME FILE [ARGUMENT …]` | makes a contract; the file lies beside the script |
/// | `call NAME [MESSAGE]`, `pay UNITS NAME [MESSAGE]` | a transaction, without and with coins |
/// | `send UNITS NAME` | coins alone |
/// | `ask NAME [MESSAGE]` | asks, and keeps nothing |
/// | `expect VALUE` | what the last statement answered; `expect nothing` |
/// | `expect failure [WORDS]` | that it failed, and said so |
/// | `expect event VALUE` | that an event of it says this |
/// | `expect balance NAME UNITS` | what an account or contract has |
/// | `warp N blocks`, `warp N seconds` | lets time pass |
///
/// Messages are written as `MessageText` has it. A statement that fails ends the script, unless the
/// next one expects it. Gas is counted and costs nothing, so that balances are easy to follow.
public struct ContractScript: Sendable {
  enum Statement: Hashable {
    case account(String, units: UInt64)
    case sender(String)
    case deploy(String, file: String, arguments: [String])
    case call(String, message: String, value: UInt64)
    case send(String, value: UInt64)
    case ask(String, message: String)
    case expect(Expectation)
    case warpBlocks(UInt32)
    case warpSeconds(UInt64)
  }

  enum Expectation: Hashable {
    case answer(String)
    case failure(String)
    case event(String)
    case balance(String, units: UInt64)
  }

  struct Line: Hashable {
    let number: Int
    let text: String
    let statement: Statement
  }

  /// What is wrong, and in which line.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    public let line: Int
    public let problem: String

    public var description: String { "line \(line): \(problem)" }
  }

  let lines: [Line]

  /// Statements of a script.
  static let linesMax = 10_000

  public init(_ text: String) throws(Failure) {
    var lines: [Line] = []
    let texts = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard texts.count <= Self.linesMax else {
      throw Failure(line: Self.linesMax, problem: "a script has at most so many lines")
    }
    for (index, text) in texts.enumerated() {
      let text = text.drop { $0 == " " || $0 == "\t" }
      guard !text.isEmpty, text.first != "#" else { continue }
      var words = Words(line: index + 1, rest: text)
      lines.append(
        Line(number: index + 1, text: String(text), statement: try Self.statement(&words))
      )
    }
    self.lines = lines
  }

  private static func statement(_ words: inout Words) throws(Failure) -> Statement {
    let statement: Statement
    switch try words.word("a statement") {
    case "account":
      statement = .account(try words.word("a name"), units: try words.number("units"))
    case "as": statement = .sender(try words.word("a name"))
    case "deploy":
      statement = .deploy(
        try words.word("a name"),
        file: try words.word("a file"),
        arguments: words.forms()
      )
    case "call": statement = .call(try words.word("a contract"), message: words.all(), value: 0)
    case "pay":
      let units = try words.number("units")
      statement = .call(try words.word("a contract"), message: words.all(), value: units)
    case "send":
      let units = try words.number("units")
      statement = .send(try words.word("a name"), value: units)
    case "ask": statement = .ask(try words.word("a contract"), message: words.all())
    case "expect": statement = .expect(try expectation(&words))
    case "warp":
      let number = try words.number("a number")
      switch try words.word("blocks or seconds") {
      case "blocks" where number <= 1_000_000_000: statement = .warpBlocks(UInt32(number))
      case "seconds" where number <= 100_000_000_000: statement = .warpSeconds(number)
      default: throw words.failure("expected `warp N blocks` or `warp N seconds`")
      }
    case let other: throw words.failure("there is no statement \(other)")
    }
    guard words.isAtEnd else { throw words.failure("something stands behind the statement") }
    return statement
  }

  private static func expectation(_ words: inout Words) throws(Failure) -> Expectation {
    var ahead = words
    switch try ahead.word("what is expected") {
    case "failure":
      words = ahead
      return .failure(words.all())
    case "event":
      words = ahead
      return .event(words.all())
    case "balance":
      words = ahead
      return .balance(try words.word("a name"), units: try words.number("units"))
    default: return .answer(words.all())
    }
  }
}

/// The words of a line.
private struct Words {
  let line: Int
  var rest: Substring

  var isAtEnd: Bool { rest.allSatisfy { $0 == " " } }

  mutating func word(_ expected: String) throws(ContractScript.Failure) -> String {
    rest = rest.drop { $0 == " " }
    let word = rest.prefix { $0 != " " }
    guard !word.isEmpty else { throw failure("expected \(expected)") }
    rest = rest[word.endIndex...]
    return String(word)
  }

  mutating func number(_ expected: String) throws(ContractScript.Failure) -> UInt64 {
    let word = try word(expected)
    guard let number = UInt64(word), "\(number)" == word else {
      throw failure("expected \(expected), a whole number, not \(word)")
    }
    return number
  }

  /// All that is left, without spaces around it.
  mutating func all() -> String {
    var text = rest.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    rest = rest[rest.endIndex...]
    return String(text)
  }

  /// All that is left, cut where a space stands outside of parentheses and quotes.
  mutating func forms() -> [String] {
    var forms: [String] = []
    var form = ""
    var (depth, isQuoted) = (0, false)
    for character in all() {
      if character == "\"" { isQuoted.toggle() }
      if !isQuoted, character == "(" { depth += 1 }
      if !isQuoted, character == ")" { depth -= 1 }
      if character == " ", depth == 0, !isQuoted {
        if !form.isEmpty { forms.append(form) }
        form = ""
      } else {
        form.append(character)
      }
    }
    return form.isEmpty ? forms : forms + [form]
  }

  func failure(_ problem: String) -> ContractScript.Failure {
    ContractScript.Failure(line: line, problem: problem)
  }
}
