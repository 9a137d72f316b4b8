// The configuration file as a program writes it, and its effective values as `config print` shows.

extension Settings {
  /// A configuration file with every option's effective value and its meaning as a comment.
  ///
  /// On a first run these are the defaults. What it writes it reads back equal. An option that is
  /// unset stands there as a comment, for the operator to find.
  ///
  /// - Parameter heading: lines for the top of the file, without `#`.
  /// - Returns: TOML.
  public func renderConfigFile(heading: [String] = []) -> String {
    var text = heading.map { $0.isEmpty ? "#\n" : "# \($0)\n" }.joined()
    var group: String?
    let shown = declarations.filter { $0.scope == .everywhere }
    let lines = shown.map { assignment(of: $0) }
    let width = min(lines.map(\.count).max() ?? 0, Self.commentColumnMax)
    for (declaration, line) in zip(shown, lines) {
      if declaration.group != group {
        group = declaration.group
        text += group.map { "\n# \($0)\n" } ?? "\n"
      }
      text += line.padded(to: width) + "  # " + declaration.helpWithAllowed + "\n"
    }
    return text
  }

  /// One line an option: the effective value and where it came from.
  public func renderEffective() -> String {
    let shown = declarations.filter { $0.scope != .commandLine }
    let lines = shown.map { assignment(of: $0) }
    let width = min(lines.map(\.count).max() ?? 0, Self.commentColumnMax)
    return zip(shown, lines).map { declaration, line in
      line.padded(to: width) + "  # \(source(of: declaration))\n"
    }.joined()
  }

  private func assignment(of declaration: OptionDeclaration) -> String {
    guard let content = declaration.content(value(of: declaration)) else {
      return "# \(declaration.key) = \"\""
    }
    return "\(declaration.key) = \(content.text)"
  }

  /// Comments of longer lines follow at once instead of pushing all others to the right.
  private static let commentColumnMax = 40
}

extension String {
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
