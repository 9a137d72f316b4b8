public import Kernel

/// A value as it stands outside a machine: in a program, a message, a contract's state.
public enum Datum: Hashable, Sendable {
  case bool(Bool)
  case integer(Int64)
  /// 128 bits without sign, for sums and products of balances: `5u`.
  case amount(UInt128)
  /// ASCII: see `Reader.isSymbol`.
  case symbol(String)
  /// Well-formed UTF-8.
  case string(String)
  case bytes([UInt8])
  case address(Address)
  /// What its holder may ask of a contract. It has no text that could be read: nobody makes one up.
  case facet(Address, [String])
  case list([Datum])

  /// Lists inside one another, in programs and messages; what descends into them may recurse.
  public static let depthMax = 64
}

extension Datum: CustomStringConvertible {
  /// The one text of this value; reading it gives the value back.
  public var description: String {
    switch self {
    case .bool(let bool): bool ? "#t" : "#f"
    case .integer(let integer): "\(integer)"
    case .amount(let amount): "\(amount)u"
    case .symbol(let name): name
    case .string(let text): "\"" + text.unicodeScalars.map(Self.escaped).joined() + "\""
    case .bytes(let bytes): "#x" + bytes.hex
    case .address(let address): "@" + address.bytes.hex
    case .facet(let address, let names):
      "#<facet @\(address.bytes.hex) (\(names.joined(separator: " ")))>"
    case .list(let items): "(" + items.map(\.description).joined(separator: " ") + ")"
    }
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    let escape = Reader.escapes.first { $0.meaning == scalar.value }
    return escape.map { "\\\(Unicode.Scalar($0.letter))" } ?? String(scalar)
  }
}

/// Why a program cannot be read, compiled, or go on; with the place if it is in the source.
public struct LispFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public let problem: LispProblem
  public let position: TextPosition?

  public init(_ problem: LispProblem, at position: TextPosition? = nil) {
    (self.problem, self.position) = (problem, position)
  }

  public var description: String {
    position.map { "\($0): \(problem)" } ?? problem.description
  }
}

public enum LispProblem: Error, Hashable, Sendable, CustomStringConvertible {
  case outOfGas
  /// More than the named limit; something else than what should have been there.
  case tooMuch(String), expected(String)
  /// A variable that nothing defines, or whose definition was not reached yet.
  case unbound(String), undefined
  /// A number does not fit its type, or is divided by zero.
  case overflow
  /// The program said so, with `fail` or `require`; a contract that was sent a message failed, and
  /// said this.
  case failed(Datum), refused([UInt8])
  /// A view tried to change something.
  case viewWrites

  public var description: String {
    switch self {
    case .outOfGas: "out of gas"
    case .tooMuch(let limit): "too much \(limit)"
    case .expected(let what): "expected \(what)"
    case .unbound(let name): "\(name) is not defined"
    case .undefined: "a variable is used before its definition"
    case .overflow: "a number is out of range"
    case .failed(let reason): "failed: \(reason)"
    case .refused(let reason):
      "the contract called failed: \(String(decoding: reason, as: UTF8.self))"
    case .viewWrites: "a view changes nothing"
    }
  }
}
