/// The text of --help for one command.
struct HelpText {
  let program: Program
  let path: [Command]

  var text: String {
    let command = path[path.count - 1]
    var sections = [usage(of: command), wrapped(command.summary + ".", indent: 0)]
    if let discussion = command.discussion { sections.append(wrapped(discussion, indent: 0)) }
    sections.append(
      table("Commands:", command.subcommands.map { ($0.name, $0.summary) })
    )
    sections.append(
      table("Arguments:", command.arguments.map(\.declaration).map { ($0.shape, $0.help) })
    )
    sections += options()
    if !command.examples.isEmpty {
      sections.append(
        "Examples:\n"
          + command.examples.map { "  \($0.line)\n      \($0.meaning)\n" }.joined()
      )
    }
    return sections.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private func usage(of command: Command) -> String {
    let shapes = command.arguments.map(\.declaration.shape)
    let tail = command.subcommands.isEmpty ? shapes + ["[options]"] : ["<command>"]
    return "Usage: " + (path.map(\.name) + tail).joined(separator: " ") + "\n"
  }

  /// One table a group, in the order of their first options; then what every command takes.
  private func options() -> [String] {
    let declarations = path.flatMap(\.options).map(\.declaration)
    var groups: [String?] = []
    for declaration in declarations where !groups.contains(declaration.group) {
      groups.append(declaration.group)
    }
    var sections = groups.map { group in
      table(
        (group.map { "\($0) options" } ?? "Options") + ":",
        declarations.filter { $0.group == group }.map(row)
      )
    }
    var general = [("--help, -h", "Show this help")]
    if path.count == 1 { general.append(("--version", "Show the version")) }
    sections.append(table("General:", general))
    return sections
  }

  private func row(_ declaration: OptionDeclaration) -> (String, String) {
    var notes: [String] = []
    if let content = declaration.content(declaration.standard) {
      switch content {
      case .array(let values) where values.isEmpty: break
      case .boolean(false): break
      case .string, .integer, .boolean, .array: notes.append("default \(content.text)")
      }
    }
    if declaration.scope != .commandLine {
      notes.append(declaration.variable(prefix: program.environmentPrefix))
    }
    let value = declaration.impliedText == nil ? " \(declaration.placeholder)" : ""
    let suffix = notes.isEmpty ? "" : " [\(notes.joined(separator: ", "))]"
    let short = declaration.short.map { ", -\($0)" } ?? ""
    return (declaration.flag + short + value, declaration.helpWithAllowed + suffix)
  }

  // MARK: Layout

  private static let width = 100
  private static let columnMax = 34

  private func table(_ heading: String, _ rows: [(String, String)]) -> String {
    guard !rows.isEmpty else { return "" }
    let column = min(rows.map { $0.0.count }.max() ?? 0, Self.columnMax)
    var text = heading + "\n"
    for (left, right) in rows {
      let lines = wrapped(right, indent: column + 4)
      text += "  " + left.padded(to: column)
      // A long flag has its line to itself.
      text += left.count > column ? "\n" + lines : "  " + lines.dropFirst(column + 4)
    }
    return text
  }

  private func wrapped(_ text: String, indent: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
      var line = margin
      for word in paragraph.split(separator: " ") {
        if line.count > indent, line.count + 1 + word.count > Self.width {
          lines.append(line)
          line = margin
        }
        line += (line.count > indent ? " " : "") + word
      }
      lines.append(line)
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
