import Glibc
import Kernel

/// How an option's value is read from a flag, a variable or the file, and written back.
///
/// One value of this type is all that a new kind of option needs; everything else (help, file,
/// errors) follows from it.
public struct OptionType<Value: Sendable>: Sendable {
  /// What stands for a value in --help, for example `PORT`.
  let placeholder: String
  /// The values allowed, for help and file comments: "1 to 65535".
  let allowed: String?
  /// What a flag without a value means; nil if a value must follow.
  let impliedText: String?
  /// A flag may stand several times; the values gather.
  let isList: Bool
  let fromText: @Sendable (String) throws(ValueProblem) -> Value
  let fromTOML: @Sendable (TOML.Content) throws(ValueProblem) -> Value
  /// Nil if the value is "none", which a file says by leaving the key out.
  let content: @Sendable (Value) -> TOML.Content?
}

/// Why a value does not fit its option: what was expected, and the line if it is an array's element.
public struct ValueProblem: Error, Equatable {
  public let expected: String
  let line: Int?

  public init(_ expected: String, line: Int? = nil) {
    self.expected = expected
    self.line = line
  }
}

extension OptionType {
  /// A kind of value that is a string in the file.
  ///
  /// - Parameters:
  ///   - placeholder: what stands for a value in --help.
  ///   - allowed: the values allowed, in a few words.
  ///   - parse: throws what it expected instead.
  ///   - text: writes a value so that `parse` reads it back.
  /// - Returns: a type whose values are strings in the file.
  public static func text(
    _ placeholder: String,
    allowed: String? = nil,
    parse: @escaping @Sendable (String) throws(ValueProblem) -> Value,
    text: @escaping @Sendable (Value) -> String
  ) -> OptionType {
    OptionType(
      placeholder: placeholder,
      allowed: allowed,
      impliedText: nil,
      isList: false,
      fromText: parse,
      fromTOML: { content throws(ValueProblem) in
        guard case .string(let string) = content else {
          throw ValueProblem("a string in quotes")
        }
        return try parse(string)
      },
      content: { .string(text($0)) }
    )
  }

  /// The same kind of value, or none: an empty text, or no key in the file.
  public static func optional<Wrapped: Sendable>(
    _ wrapped: OptionType<Wrapped>
  ) -> OptionType where Value == Wrapped? {
    OptionType(
      placeholder: wrapped.placeholder,
      allowed: wrapped.allowed,
      impliedText: wrapped.impliedText,
      isList: false,
      fromText: { text throws(ValueProblem) in
        text.isEmpty ? nil : try wrapped.fromText(text)
      },
      fromTOML: { content throws(ValueProblem) in
        content == .string("") ? nil : try wrapped.fromTOML(content)
      },
      content: { value in value.flatMap(wrapped.content) }
    )
  }

  /// Values separated by commas, or an array in the file.
  public static func list<Element: Sendable>(
    of element: OptionType<Element>
  ) -> OptionType where Value == [Element] {
    OptionType(
      placeholder: element.placeholder + ",…",
      allowed: element.allowed,
      impliedText: nil,
      isList: true,
      fromText: { text throws(ValueProblem) in
        var values: [Element] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: true) {
          values.append(try element.fromText(part.trimmingBlanks))
        }
        return values
      },
      fromTOML: { content throws(ValueProblem) in
        guard case .array(let parts) = content else {
          throw ValueProblem("an array, for example [\"a\", \"b\"]")
        }
        var values: [Element] = []
        for part in parts {
          do throws(ValueProblem) {
            values.append(try element.fromTOML(part.content))
          } catch {
            throw ValueProblem(error.expected + " in the array", line: part.line)
          }
        }
        return values
      },
      content: { .array($0.compactMap(element.content).map { TOML.Value($0, line: 0) }) }
    )
  }
}

// MARK: Numbers and choices

extension OptionType where Value: FixedWidthInteger {
  public static var integer: OptionType { integer(Value.min...Value.max) }

  public static func integer(
    _ range: ClosedRange<Value>,
    placeholder: String = "NUMBER"
  ) -> OptionType {
    let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    @Sendable func check(_ value: Value?) throws(ValueProblem) -> Value {
      guard let value, range.contains(value) else { throw ValueProblem(expected) }
      return value
    }
    return OptionType(
      placeholder: placeholder,
      allowed: "\(range.lowerBound) to \(range.upperBound)",
      impliedText: nil,
      isList: false,
      fromText: { text throws(ValueProblem) in try check(JSON.Number(text)?.integer()) },
      fromTOML: { content throws(ValueProblem) in
        guard case .integer(let value) = content else {
          throw ValueProblem(expected + ", without quotes")
        }
        return try check(Value(exactly: value))
      },
      content: { .integer(Int128($0)) }
    )
  }
}

extension OptionType<UInt16> {
  /// A TCP or UDP port.
  ///
  /// 0 lets the system choose a free one.
  public static var port: OptionType { integer(0...65535, placeholder: "PORT") }
}

extension OptionType<Bool> {
  /// `--name`, or `--name=false`.
  public static var boolean: OptionType {
    OptionType(
      placeholder: "BOOL",
      allowed: nil,
      impliedText: "true",
      isList: false,
      fromText: { text throws(ValueProblem) in
        switch text {
        case "true": return true
        case "false": return false
        default: throw ValueProblem("true or false")
        }
      },
      fromTOML: { content throws(ValueProblem) in
        guard case .boolean(let value) = content else {
          throw ValueProblem("true or false, without quotes")
        }
        return value
      },
      content: { .boolean($0) }
    )
  }
}

extension OptionType
where Value: CaseIterable & RawRepresentable<String> {
  /// One of an enumeration's names.
  public static var choice: OptionType {
    let names = Value.allCases.map(\.rawValue)
    let listed = names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
    return text(
      "NAME",
      allowed: listed,
      parse: { text throws(ValueProblem) in
        guard let value = Value(rawValue: text) else { throw ValueProblem(listed) }
        return value
      },
      text: \.rawValue
    )
  }
}

// MARK: Texts

extension OptionType<String> {
  public static var string: OptionType { string("TEXT") }

  public static func string(_ placeholder: String) -> OptionType {
    text(placeholder, parse: { text in text }, text: { text in text })
  }

  /// A file or directory; a leading `~/` is the user's home directory.
  public static var path: OptionType {
    text(
      "PATH",
      parse: { text throws(ValueProblem) in
        guard !text.isEmpty, !text.utf8.contains(0) else { throw ValueProblem("a path") }
        guard text.hasPrefix("~/") else { return text }
        guard let home = getenv("HOME") else {
          throw ValueProblem("a path without '~', as HOME is not set")
        }
        return String(cString: home) + text.dropFirst(1)
      },
      text: { text in text }
    )
  }

  /// A literal IPv4 or IPv6 address, without a port.
  public static var ipAddress: OptionType {
    text(
      "ADDRESS",
      allowed: "IPv4 or IPv6",
      parse: { text throws(ValueProblem) in
        guard HostPort.isIPv4(text) || HostPort.isIPv6(text) else {
          throw ValueProblem("an IP address, for example 127.0.0.1 or ::1")
        }
        return text
      },
      text: { text in text }
    )
  }
}

extension OptionType<Duration> {
  /// A whole number and a unit: `500ms`, `30s`, `5m`, `2h`.
  public static func duration(_ range: ClosedRange<Duration>) -> OptionType {
    let expected =
      "a duration from \(text(of: range.lowerBound)) to \(text(of: range.upperBound)),"
      + " for example 500ms, 30s, 5m or 2h"
    return text(
      "DURATION",
      allowed: "\(text(of: range.lowerBound)) to \(text(of: range.upperBound))",
      parse: { text throws(ValueProblem) in
        let unit = text.drop { $0.isASCII && $0.isNumber }
        let count = JSON.Number(String(text.prefix(text.count - unit.count)))
        guard let scale = milliseconds[String(unit)], let count = count?.integer(UInt32.self)
        else { throw ValueProblem(expected) }
        let value = Duration.milliseconds(Int64(count) * scale)
        guard range.contains(value) else { throw ValueProblem(expected) }
        return value
      },
      text: text(of:)
    )
  }

  private static var milliseconds: [String: Int64] {
    ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
  }

  @Sendable private static func text(of duration: Duration) -> String {
    let whole = duration.wholeMilliseconds
    for (unit, scale) in [("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, Int64)]
    where whole != 0 && whole.isMultiple(of: scale) {
      return "\(whole / scale)\(unit)"
    }
    return "\(whole)ms"
  }
}

extension Substring {
  fileprivate var trimmingBlanks: String {
    var text = drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
