/// A JSON value (RFC 8259), exact: numbers keep their text and objects keep their order.
///
/// Read one with `JSON(parsing:limits:)`, build one with literals, write one with `bytes()`.
/// Strings are compared by their code units, never by Unicode equivalence: a key that only looks
/// like "amount" is another key.
public enum JSON: Equatable, Sendable {
  case null
  case bool(Bool)
  case number(Number)
  case string(String)
  case array([JSON])
  case object(Object)

  /// A whole number, written as a JSON number.
  public init(_ integer: some FixedWidthInteger) {
    self = .number(Number(integer))
  }

  public init(_ bool: Bool) {
    self = .bool(bool)
  }

  public init(_ string: String) {
    self = .string(string)
  }

  /// A whole number as decimal text in a string, so that no reader rounds it through a double.
  public static func decimal(_ integer: some FixedWidthInteger) -> JSON {
    .string(Number(integer).text)
  }

  public static func == (a: Self, b: Self) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.string(let a), .string(let b)): a.hasSameCodeUnits(as: b)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    case (.null, _), (.bool, _), (.number, _), (.string, _), (.array, _), (.object, _): false
    }
  }
}

// MARK: Reading

extension JSON {
  public var isNull: Bool { self == .null }

  /// Nil unless this is `true` or `false`.
  public var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// Nil unless this is a string.
  public var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// Nil unless this is a number.
  public var number: Number? {
    if case .number(let value) = self { value } else { nil }
  }

  /// Nil unless this is an array.
  public var array: [JSON]? {
    if case .array(let value) = self { value } else { nil }
  }

  /// Nil unless this is an object.
  public var object: Object? {
    if case .object(let value) = self { value } else { nil }
  }

  /// The whole number that this number stands for; nil if it is none or out of range.
  public func integer<I: FixedWidthInteger>(_ type: I.Type = I.self) -> I? {
    number?.integer(type)
  }

  /// A whole number given as a number or, as amounts are, as decimal text in a string.
  public func decimal<I: FixedWidthInteger>(_ type: I.Type = I.self) -> I? {
    switch self {
    case .number(let number): number.integer(type)
    case .string(let text): Number(text)?.integer(type)
    case .null, .bool, .array, .object: nil
    }
  }

  /// The member with this key; nil if there is none or this is no object.
  public subscript(key: String) -> JSON? { object?[key] }

  /// The element at `index`; nil if there is none or this is no array.
  public subscript(index: Int) -> JSON? {
    guard let array, array.indices.contains(index) else { return nil }
    return array[index]
  }

  /// What kind of value this is, for messages: "a string", "an object".
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

// MARK: Building

extension JSON: ExpressibleByStringInterpolation {
  public init(stringLiteral value: String) {
    self = .string(value)
  }
}

extension JSON: ExpressibleByBooleanLiteral {
  public init(booleanLiteral value: Bool) {
    self = .bool(value)
  }
}

extension JSON: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Int64) {
    self = .number(Number(value))
  }
}

extension JSON: ExpressibleByArrayLiteral {
  public init(arrayLiteral elements: JSON...) {
    self = .array(elements)
  }
}

extension JSON: ExpressibleByDictionaryLiteral {
  /// Members in the order written; of equal keys the last value stays, at the first one's place.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    var object = Object()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
}

extension String {
  /// Equality of UTF-8, unlike `==`, which holds for canonically equivalent texts too.
  @inline(__always)
  func hasSameCodeUnits(as other: String) -> Bool {
    utf8.elementsEqual(other.utf8)
  }
}
