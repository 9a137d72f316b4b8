/// A program's command, or a group of commands: `smallnano wallet` and `smallnano wallet create`.
public struct Command: Sendable {
  /// A call that works, and what it does.
  public struct Example: Sendable {
    let line: String
    let meaning: String

    public init(_ line: String, _ meaning: String) {
      self.line = line
      self.meaning = meaning
    }
  }

  public typealias Run = @Sendable (Invocation) async throws -> Void

  public let name: String
  /// One line, without a full stop.
  public let summary: String
  let discussion: String?
  let examples: [Example]
  /// Flags taken by this command and every one below it.
  let options: [any DeclaredOption]
  let arguments: [any DeclaredArgument]
  let subcommands: [Command]
  let run: Run?

  /// A command that does something.
  public init(
    _ name: String,
    summary: String,
    discussion: String? = nil,
    examples: [Example] = [],
    options: [any DeclaredOption] = [],
    arguments: [any DeclaredArgument] = [],
    run: @escaping Run
  ) {
    self.name = name
    self.summary = summary
    self.discussion = discussion
    self.examples = examples
    self.options = options
    self.arguments = arguments
    self.subcommands = []
    self.run = run
  }

  /// A group of commands.
  public init(
    _ name: String,
    summary: String,
    discussion: String? = nil,
    examples: [Example] = [],
    options: [any DeclaredOption] = [],
    subcommands: [Command]
  ) {
    precondition(Set(subcommands.map(\.name)).count == subcommands.count)
    self.name = name
    self.summary = summary
    self.discussion = discussion
    self.examples = examples
    self.options = options
    self.arguments = []
    self.subcommands = subcommands
    self.run = nil
  }
}

/// A word of a command's call that is no flag: `smallnano send <to> <amount>`.
public struct Argument<Value: Sendable>: DeclaredArgument {
  public let declaration: ArgumentDeclaration

  /// One that must be given.
  ///
  /// If the type is a list, all words that remain, each split at its commas.
  public init(_ name: String, _ type: OptionType<Value>, help: String) {
    declaration = ArgumentDeclaration(name: name, help: help, type: type, standard: nil)
  }

  /// One that may be left out.
  public init(_ name: String, _ type: OptionType<Value>, default standard: Value, help: String) {
    declaration = ArgumentDeclaration(name: name, help: help, type: type, standard: standard)
  }
}

/// Any `Argument`, so that a command can list them.
public protocol DeclaredArgument: Sendable {
  var declaration: ArgumentDeclaration { get }
}

/// What an argument is apart from its value's type.
public struct ArgumentDeclaration: Sendable {
  let name: String
  let help: String
  let isList: Bool
  let standard: (any Sendable)?
  let fromText: @Sendable (String) throws(ValueProblem) -> any Sendable

  init<Value: Sendable>(
    name: String,
    help: String,
    type: OptionType<Value>,
    standard: Value?
  ) {
    self.name = name
    self.help = type.allowed.map { "\(help) (\($0))" } ?? help
    isList = type.isList
    self.standard = standard
    fromText = { text throws(ValueProblem) in try type.fromText(text) }
  }

  /// As a usage line shows it.
  var shape: String {
    let shape = isList ? "<\(name)>…" : "<\(name)>"
    return standard == nil ? shape : "[\(shape)]"
  }
}

/// One call of a command: its settings and arguments.
public struct Invocation: Sendable {
  /// The program and command as typed: `smallnano wallet create`.
  public let path: String
  public var settings: Settings
  private let arguments: [String: any Sendable]

  init(path: String, settings: Settings, arguments: [String: any Sendable]) {
    self.path = path
    self.settings = settings
    self.arguments = arguments
  }

  /// An option's effective value.
  public subscript<Value>(option: Option<Value>) -> Value { settings[option] }

  /// An argument of this command.
  public subscript<Value>(argument: Argument<Value>) -> Value {
    let value = arguments[argument.declaration.name] ?? argument.declaration.standard
    guard let value = value as? Value else {
      preconditionFailure("not an argument of this command: \(argument.declaration.name)")
    }
    return value
  }
}

/// A command's own failure: one line for the user, and the exit status.
public struct CommandFailure: Error, Equatable, CustomStringConvertible {
  public let description: String
  public let status: Int32

  public init(_ description: String, status: Int32 = 1) {
    self.description = description
    self.status = status
  }
}
