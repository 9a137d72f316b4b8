public import Mesh

extension Genesis.Asset {
  /// `12.5 TST`.
  public func text(_ amount: Amount) -> String { "\(decimalText(amount)) \(symbolText)" }

  /// The symbol, which whoever made the network chose: without what could command a terminal.
  public var symbolText: String { symbol.terminalSafe }
}

extension String {
  /// The text with control characters, and those that turn the direction of writing, shown as
  /// `\u{…}`: what others wrote must not speak to a terminal.
  public var terminalSafe: String {
    var safe = ""
    for scalar in unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
        safe += "\\u{\(String(scalar.value, radix: 16))}"
      default: safe.unicodeScalars.append(scalar)
      }
    }
    return safe
  }
}
