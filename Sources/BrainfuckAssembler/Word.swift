/// A word of a statement.
enum Word: Hashable {
  case name(String)
  /// Up to 65,535; a character is the number of its byte.
  case number(Int)
  case text([UInt8])

  /// Bytes it writes.
  var size: Int {
    if case .text(let bytes) = self { bytes.count } else { 1 }
  }

  /// The words of a line, up to its comment.
  static func words(of line: Substring, line number: Int) throws(AssemblyFailure) -> [Word] {
    var words: [Word] = []
    var rest = line[...]
    while let first = rest.first {
      switch first {
      case " ", "\t": rest = rest.dropFirst()
      case "#": return words
      case "\"", "'":
        let body = rest.dropFirst()
        guard let end = body.firstIndex(of: first) else {
          throw AssemblyFailure(line: number, problem: .unclosedText)
        }
        let bytes = Array(body[..<end].utf8)
        if first == "\"" {
          words.append(.text(bytes))
        } else {
          guard bytes.count == 1 else {
            throw AssemblyFailure(line: number, problem: .wrongArguments("one ASCII character"))
          }
          words.append(.number(Int(bytes[0])))
        }
        rest = body[end...].dropFirst()
      default:
        let text = rest.prefix { !" \t#\"'".contains($0) }
        rest = rest[text.endIndex...]
        if first.isASCII, first.isNumber {
          guard let value = UInt16(text) else {
            throw AssemblyFailure(line: number, problem: .wrongArguments("a number up to 65535"))
          }
          words.append(.number(Int(value)))
        } else {
          words.append(.name(String(text)))
        }
      }
    }
    return words
  }
}
