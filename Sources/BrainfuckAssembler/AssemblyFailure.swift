/// What is wrong with a line of assembly.
public struct AssemblyFailure: Error, Hashable, CustomStringConvertible {
  public enum Problem: Hashable, Sendable {
    case unknownStatement
    /// What the statement wants.
    case wrongArguments(String)
    case unknownCell(String)
    case nameTaken(String)
    case tooManyCells
    case unclosedText
    case endWithoutBeginning
    case missingEnd
    case tooDeep
    /// The program, or what a frame holds.
    case tooLong
  }

  /// From 1.
  public let line: Int
  public let problem: Problem

  public var description: String {
    let text =
      switch problem {
      case .unknownStatement: "no such statement"
      case .wrongArguments(let expected): "expected \(expected)"
      case .unknownCell(let name): "no cell is named '\(name)'"
      case .nameTaken(let name): "'\(name)' is a cell already"
      case .tooManyCells: "no room for another cell"
      case .unclosedText: "a text without its closing quote"
      case .endWithoutBeginning: "'end' without a beginning"
      case .missingEnd: "without its 'end'"
      case .tooDeep: "too many conditions inside one another"
      case .tooLong: "too long"
      }
    return "line \(line): \(text)"
  }
}
