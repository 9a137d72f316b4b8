/// What was wrong with how a program was called or configured; the program ends with status 2.
public enum UsageFailure: Error, Equatable, CustomStringConvertible {
  case unknownFlag(String, suggestion: String?)
  case missingValue(flag: String, placeholder: String)
  case repeatedFlag(String)
  /// `source` names the flag, the variable, or `file:line`.
  case badValue(source: String, key: String, found: String, expected: String)
  case unknownKey(place: String, key: String, suggestion: String?)
  /// The file as a whole could not be understood: the text says where and why.
  case badFile(String)
  case unknownCommand(String, of: String, suggestion: String?)
  case missingCommand(of: String, choices: [String])
  case missingArgument(String)
  case unexpectedArgument(String)

  /// The exit status of a program that was called wrongly, by convention.
  public static let exitStatus: Int32 = 2

  public var description: String {
    switch self {
    case .unknownFlag(let flag, let suggestion):
      "unknown flag \(flag)" + Self.hint(suggestion)
    case .missingValue(let flag, let placeholder):
      "\(flag) needs a value: \(flag) \(placeholder)"
    case .repeatedFlag(let flag):
      "\(flag) is given twice; keep one"
    case .badValue(let source, let key, let found, let expected):
      "\(source): \(key) should be \(expected), not \(found)"
    case .unknownKey(let place, let key, let suggestion):
      "\(place): unknown key '\(key)'" + Self.hint(suggestion)
    case .badFile(let reason):
      reason
    case .unknownCommand(let word, let parent, let suggestion):
      "'\(word)' is no command of \(parent)" + Self.hint(suggestion)
    case .missingCommand(let parent, let choices):
      "\(parent) needs a command: \(choices.joined(separator: ", "))"
    case .missingArgument(let name):
      "<\(name)> is missing"
    case .unexpectedArgument(let text):
      "unexpected '\(text)' at the end"
    }
  }

  private static func hint(_ suggestion: String?) -> String {
    suggestion.map { "; did you mean \($0)?" } ?? ""
  }
}

/// The candidate nearest to what was typed, if it is near enough to be a slip.
package func nearest(to word: String, among candidates: [String]) -> String? {
  let typed = Array(word.utf8.prefix(64))  // the longest option has 24; bounds the work
  var best: (distance: Int, candidate: String)?
  for candidate in candidates {
    let distance = editDistance(typed, Array(candidate.utf8))
    if distance < (best?.distance ?? .max) { best = (distance, candidate) }
  }
  guard let best, best.distance <= max(1, typed.count / 3) else { return nil }
  return best.candidate
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var current = [i + 1]
    for (j, y) in b.enumerated() {
      var cost = min(last[j + 1] + 1, current[j] + 1, last[j] + (x == y ? 0 : 1))
      if i > 0, j > 0, x == b[j - 1], a[i - 1] == y {
        cost = min(cost, beforeLast[j - 1] + 1)
      }
      current.append(cost)
    }
    beforeLast = last
    last = current
  }
  return last[b.count]
}
