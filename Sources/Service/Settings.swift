/// The effective values of a program's options, and where each came from.
///
/// A flag goes before a variable, a variable before the file, the file before the default.
public struct Settings: Sendable {
  /// Where a value came from.
  ///
  /// Ordered by strength.
  public enum Source: Equatable, Sendable, CustomStringConvertible {
    case standard
    case file(path: String, line: Int)
    case environment(variable: String)
    case flag(String)

    public var description: String {
      switch self {
      case .standard: "default"
      case .file(let path, let line): "\(path):\(line)"
      case .environment(let variable): variable
      case .flag(let flag): flag
      }
    }

    var strength: Int {
      switch self {
      case .standard: 0
      case .file: 1
      case .environment: 2
      case .flag: 3
      }
    }
  }

  /// In the order declared.
  public let declarations: [OptionDeclaration]
  /// What the operator should hear of, but what does not stop the program.
  public internal(set) var warnings: [String] = []
  private var given: [String: (value: any Sendable, source: Source)] = [:]

  /// All defaults.
  ///
  /// Two options with one key are a mistake of the program.
  public init(_ options: [any DeclaredOption]) {
    declarations = options.map(\.declaration)
    precondition(Set(declarations.map(\.key)).count == declarations.count)
  }

  /// The effective value.
  ///
  /// The option must be one of the program's or the command's.
  public subscript<Value>(option: Option<Value>) -> Value {
    precondition(declarations.contains { $0.key == option.declaration.key })
    let value = given[option.declaration.key]?.value ?? option.declaration.standard
    guard let value = value as? Value else {
      preconditionFailure("two options of different types share a key")
    }
    return value
  }

  public func source(of option: any DeclaredOption) -> Source {
    source(of: option.declaration)
  }

  func source(of declaration: OptionDeclaration) -> Source {
    given[declaration.key]?.source ?? .standard
  }

  func value(of declaration: OptionDeclaration) -> any Sendable {
    given[declaration.key]?.value ?? declaration.standard
  }

  /// Keeps a value unless a stronger source has given one.
  private mutating func set(
    _ declaration: OptionDeclaration,
    _ value: any Sendable,
    _ source: Source
  ) {
    guard source.strength >= self.source(of: declaration).strength else { return }
    given[declaration.key] = (value, source)
  }

  // MARK: Sources

  /// A flag's values as they stood; a list's gather.
  mutating func apply(flag: OptionDeclaration, _ texts: [String]) throws(UsageFailure) {
    try apply(flag, texts.joined(separator: ","), .flag(flag.flag))
  }

  /// Every variable of an option; one that only looks like it is worth a warning, no more:
  /// container platforms set variables with a service's name in front.
  mutating func apply(
    environment: [String: String],
    prefix: String
  ) throws(UsageFailure) {
    var known: Set<String> = []
    for declaration in declarations where declaration.scope != .commandLine {
      let variable = declaration.variable(prefix: prefix)
      known.insert(variable)
      if let text = environment[variable] {
        try apply(declaration, text, .environment(variable: variable))
      }
    }
    for variable in environment.keys.sorted()
    where variable.hasPrefix(prefix) && !known.contains(variable) {
      let hint = nearest(to: variable, among: known.sorted()).map { "; did you mean \($0)?" }
      warnings.append("unknown variable \(variable)" + (hint ?? ""))
    }
  }

  private mutating func apply(
    _ declaration: OptionDeclaration,
    _ text: String,
    _ source: Source
  ) throws(UsageFailure) {
    let value: any Sendable
    do {
      value = try declaration.fromText(text)
    } catch {
      throw .badValue(
        source: "\(source)",
        key: declaration.key,
        found: "'\(text.prefix(Self.shownMax))'",
        expected: error.expected
      )
    }
    set(declaration, value, source)
  }

  /// The settings with a configuration file's values below flags and variables.
  ///
  /// - Parameters:
  ///   - file: the file's bytes.
  ///   - path: its name in messages and sources.
  /// - Returns: the merged settings.
  /// - Throws: for a file that is no TOML, an unknown key or table, a value that does not fit;
  ///   the message starts with `path:line`.
  public func applying(file: [UInt8], path: String) throws(UsageFailure) -> Settings {
    let toml: TOML
    do {
      toml = try TOML(parsing: file)
    } catch {
      throw .badFile("\(path):\(error.line): column \(error.column): \(error.reason)")
    }
    let keys = declarations.filter { $0.scope == .everywhere }
    if let header = toml.headers.first {
      let name = header.table.joined(separator: ".")
      throw .badFile("\(path):\(header.line): unknown table [\(name)]; all keys stand without one")
    }
    var settings = self
    for entry in toml.entries {
      let place = "\(path):\(entry.line)"
      guard let declaration = keys.first(where: { $0.key == entry.key }) else {
        let suggestion = nearest(to: entry.key, among: keys.map(\.key))
        throw .unknownKey(place: place, key: entry.key, suggestion: suggestion)
      }
      do {
        let value = try declaration.fromTOML(entry.value.content)
        settings.set(declaration, value, .file(path: path, line: entry.line))
      } catch {
        throw .badValue(
          source: error.line.map { "\(path):\($0)" } ?? place,
          key: entry.key,
          found: String(entry.value.content.text.prefix(Self.shownMax)),
          expected: error.expected
        )
      }
    }
    return settings
  }

  /// Characters of a bad value that a message repeats.
  private static let shownMax = 60
}
