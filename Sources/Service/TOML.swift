/// The part of TOML 1.0 that a configuration file needs, read strictly.
///
/// Understood: comments, `[table]` headers, bare and quoted keys, basic and literal strings,
/// integers, booleans, and arrays of these. Refused by name, with what to write instead: floats,
/// dates, dotted keys, inline tables, arrays of tables, arrays in arrays, multi-line strings.
public struct TOML: Equatable, Sendable {
  /// One `key = value` and where it stands.
  public struct Entry: Equatable, Sendable {
    /// The tables around the key, outermost first; empty at the top.
    public let table: [String]
    public let key: String
    /// The key's line, from 1.
    public let line: Int
    public let value: Value

    /// The key with its tables, as a message names it: `rpc.port`.
    public var path: String { (table + [key]).joined(separator: ".") }
  }

  /// A `[table]` header.
  public struct Header: Equatable, Sendable {
    public let table: [String]
    public let line: Int
  }

  public struct Value: Equatable, Sendable {
    public let content: Content
    /// From 1; an array's elements may stand on lines of their own.
    public let line: Int

    public init(_ content: Content, line: Int) {
      self.content = content
      self.line = line
    }
  }

  public indirect enum Content: Equatable, Sendable {
    case string(String)
    /// `Int64.min` to `UInt64.max`.
    case integer(Int128)
    case boolean(Bool)
    case array([Value])

    /// What kind of value this is, for messages.
    public var kind: String {
      switch self {
      case .string: "a string"
      case .integer: "an integer"
      case .boolean: "a boolean"
      case .array: "an array"
      }
    }
  }

  /// In the order written.
  public let entries: [Entry]
  public let headers: [Header]

  /// The largest file: a hundred options with comments are 10 KiB.
  public static let bytesMax = 1 << 20

  /// Reads a whole file.
  ///
  /// - Throws: `TOMLFailure` for the first thing that is not understood; never traps.
  public init(parsing bytes: [UInt8]) throws(TOMLFailure) {
    var parser = TOMLParser(bytes: bytes)
    (entries, headers) = try parser.document()
  }

  public init(parsing text: String) throws(TOMLFailure) {
    try self.init(parsing: Array(text.utf8))
  }

  /// A value at the top or in a table; nil if the key is not there.
  public subscript(path: String...) -> Value? {
    entries.first { $0.table + [$0.key] == path }?.value
  }

  /// What a fuzzer calls: any bytes are read or refused.
  public static func fuzz(_ bytes: [UInt8]) {
    guard let toml = try? TOML(parsing: bytes) else { return }  // refused is a fine answer
    for entry in toml.entries {
      let line = "\(quoted(entry.key)) = \(entry.value.content.text)\n"
      let again = try? TOML(parsing: line)
      precondition(again?.entries.first?.value.content.text == entry.value.content.text)
    }
  }
}

// MARK: Writing

extension TOML.Content {
  /// As TOML reads it back.
  public var text: String {
    switch self {
    case .string(let text): TOML.quoted(text)
    case .integer(let value): String(value)
    case .boolean(let value): value ? "true" : "false"
    case .array(let values): "[" + values.map(\.content.text).joined(separator: ", ") + "]"
    }
  }
}

extension TOML {
  /// A basic string, with everything escaped that TOML requires escaped.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case "\r": quoted += "\\r"
      case "\0"..."\u{1f}", "\u{7f}":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

/// Why a file is not the TOML we read: the place, and what to do about it.
public struct TOMLFailure: Error, Hashable, CustomStringConvertible {
  public let line: Int
  public let column: Int
  public let reason: String

  public var description: String { "line \(line), column \(column): \(reason)" }
}
