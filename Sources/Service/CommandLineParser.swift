/// What a command line asks for.
enum Resolution: Sendable {
  case help(String)
  case version(String)
  case run(Command.Run, Invocation)
}

/// Walks the command tree along the words of one call.
struct CommandLineParser {
  private let program: Program
  private var path: [Command]
  private var flags: [(declaration: OptionDeclaration, texts: [String])] = []
  private var words: [String] = []

  init(_ program: Program) {
    self.program = program
    path = [program.root]
  }

  mutating func resolve(
    _ arguments: [String],
    environment: [String: String]
  ) throws(UsageFailure) -> Resolution {
    var rest = arguments[...]
    var flagsEnded = false
    while let word = rest.popFirst() {
      if flagsEnded || !word.hasPrefix("-") || word == "-" {
        try take(word)
      } else if word == "--" {
        flagsEnded = true
      } else if word == "--help" || word == "-h" {
        return .help(HelpText(program: program, path: path).text)
      } else if word == "--version", path.count == 1 {
        return .version("\(program.name) \(program.version)\n")
      } else {
        try takeFlag(word, &rest)
      }
    }
    return try resolution(environment: environment)
  }

  /// A word that is no flag: a subcommand's name as long as there are any, else an argument.
  private mutating func take(_ word: String) throws(UsageFailure) {
    let choices = path[path.count - 1].subcommands
    guard !choices.isEmpty else {
      words.append(word)
      return
    }
    guard let next = choices.first(where: { $0.name == word }) else {
      throw .unknownCommand(
        word,
        of: pathText,
        suggestion: nearest(to: word, among: choices.map(\.name))
      )
    }
    path.append(next)
  }

  /// `--flag=value`, `--flag value`, or a boolean `--flag`.
  private mutating func takeFlag(
    _ word: String,
    _ rest: inout ArraySlice<String>
  ) throws(UsageFailure) {
    let equals = word.firstIndex(of: "=")
    let flag = String(word[..<(equals ?? word.endIndex)])
    guard let declaration = declarations.first(where: { $0.isCalled(flag) }) else {
      let known = declarations.map(\.flag) + ["--help"]
      throw .unknownFlag(flag, suggestion: nearest(to: flag, among: known))
    }
    let text: String
    if let equals {
      text = String(word[word.index(after: equals)...])
    } else if let implied = declaration.impliedText {
      text = implied
    } else if let next = rest.first, !next.hasPrefix("--") {
      text = next
      rest.removeFirst()
    } else {
      throw .missingValue(flag: flag, placeholder: declaration.placeholder)
    }
    if let index = flags.firstIndex(where: { $0.declaration.key == declaration.key }) {
      guard declaration.isList else { throw .repeatedFlag(flag) }
      flags[index].texts.append(text)
    } else {
      flags.append((declaration, [text]))
    }
  }

  private func resolution(environment: [String: String]) throws(UsageFailure) -> Resolution {
    let command = path[path.count - 1]
    guard let run = command.run else {
      throw .missingCommand(of: pathText, choices: command.subcommands.map(\.name))
    }
    var settings = Settings(program.options(of: path))
    try settings.apply(environment: environment, prefix: program.environmentPrefix)
    for (declaration, texts) in flags { try settings.apply(flag: declaration, texts) }
    let invocation = Invocation(
      path: pathText,
      settings: settings,
      arguments: try arguments(of: command)
    )
    return .run(run, invocation)
  }

  private func arguments(of command: Command) throws(UsageFailure) -> [String: any Sendable] {
    var values: [String: any Sendable] = [:]
    var rest = words[...]
    for declaration in command.arguments.map(\.declaration) {
      guard let first = rest.first else {
        guard declaration.standard != nil else { throw .missingArgument(declaration.name) }
        continue
      }
      let text = declaration.isList ? rest.joined(separator: ",") : first
      rest = declaration.isList ? [] : rest.dropFirst()
      do {
        values[declaration.name] = try declaration.fromText(text)
      } catch {
        throw .badValue(
          source: pathText,
          key: "<\(declaration.name)>",
          found: "'\(text.prefix(60))'",
          expected: error.expected
        )
      }
    }
    if let extra = rest.first { throw .unexpectedArgument(extra) }
    return values
  }

  /// The flags taken here.
  private var declarations: [OptionDeclaration] {
    path.flatMap(\.options).map(\.declaration)
  }

  /// As typed: `smallnano wallet create`.
  var pathText: String { path.map(\.name).joined(separator: " ") }
}
