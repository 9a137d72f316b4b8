/// One setting of a program, declared once.
///
/// The declaration yields the flag `--rpc-port`, the variable `SMALLNANO_RPC_PORT`, the key
/// `rpc_port` of the configuration file with its comment, and the line in --help:
///
/// ```swift
/// static let rpcPort = Option("rpc_port", .port, default: 7177, help: "TCP port of the RPC server")
/// …
/// let port = settings[rpcPort]  // a UInt16
/// ```
public struct Option<Value: Sendable>: DeclaredOption {
  public let declaration: OptionDeclaration

  /// Declares an option.
  ///
  /// - Parameters:
  ///   - key: lower-case words joined by `_`.
  ///   - type: how values are read and written.
  ///   - standard: the value if nobody gives one.
  ///   - short: a letter that stands for the flag, as `o` for `-o`; only for what everyone types so.
  ///   - scope: where a value may be given.
  ///   - group: a heading under which help and file list the option.
  ///   - help: one line, without a full stop.
  public init(
    _ key: String,
    _ type: OptionType<Value>,
    default standard: Value,
    short: Character? = nil,
    scope: OptionScope = .everywhere,
    group: String? = nil,
    help: String
  ) {
    precondition(OptionDeclaration.isKey(key))
    precondition(!help.contains("\n"))
    declaration = OptionDeclaration(
      key: key,
      short: short,
      scope: scope,
      group: group,
      help: help,
      placeholder: type.placeholder,
      allowed: type.allowed,
      impliedText: type.impliedText,
      isList: type.isList,
      standard: standard,
      fromText: { text throws(ValueProblem) in try type.fromText(text) },
      fromTOML: { content throws(ValueProblem) in try type.fromTOML(content) },
      content: { value in (value as? Value).flatMap(type.content) }
    )
  }
}

/// Where an option's value may be given.
public enum OptionScope: Sendable {
  /// Flag, variable and file.
  case everywhere
  /// Flag and variable: the file's own path, for example.
  case notInFile
  /// Flag only: what belongs to one call, like `--json`.
  case commandLine
}

/// Any `Option`, so that a table can list them all.
public protocol DeclaredOption: Sendable {
  var declaration: OptionDeclaration { get }
}

/// What an option is apart from its value's type.
public struct OptionDeclaration: Sendable {
  /// The key in the file and the option's identity.
  public let key: String
  let short: Character?
  let scope: OptionScope
  let group: String?
  let help: String
  let placeholder: String
  let allowed: String?
  let impliedText: String?
  let isList: Bool
  let standard: any Sendable
  let fromText: @Sendable (String) throws(ValueProblem) -> any Sendable
  let fromTOML: @Sendable (TOML.Content) throws(ValueProblem) -> any Sendable
  let content: @Sendable (any Sendable) -> TOML.Content?

  /// `--kebab-case`.
  var flag: String { "--" + String(key.map { $0 == "_" ? "-" : $0 }) }

  /// Whether a word of the command line is the flag.
  func isCalled(_ word: String) -> Bool {
    word == flag || short.map { word == "-\($0)" } == true
  }

  /// `PREFIX_UPPER_CASE`.
  func variable(prefix: String) -> String { prefix + key.uppercased() }

  /// Help with the values allowed: "TCP port of the RPC server (0 to 65535)".
  var helpWithAllowed: String {
    allowed.map { "\(help) (\($0))" } ?? help
  }

  static func isKey(_ text: String) -> Bool {
    text.utf8.first.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) } == true
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
          UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }
}
