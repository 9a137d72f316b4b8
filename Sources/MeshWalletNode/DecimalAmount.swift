public import Mesh

/// Amounts as people write them: in whole tokens, with as many decimals as the asset has.
extension Genesis.Asset {
  /// `12.5 TST`.
  public func text(_ amount: Amount) -> String { "\(decimalText(amount)) \(symbolText)" }

  /// `12.5`; zeros at the end of the fraction are left out.
  public func decimalText(_ amount: Amount) -> String {
    let digits = Array(String(amount.units).utf8)
    let padded =
      [UInt8](repeating: UInt8(ascii: "0"), count: max(0, Int(decimals) + 1 - digits.count))
      + digits
    let whole = padded.dropLast(Int(decimals))
    var fraction = padded.suffix(Int(decimals))
    while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
    let text = String(decoding: whole, as: UTF8.self)
    return fraction.isEmpty ? text : text + "." + String(decoding: fraction, as: UTF8.self)
  }

  /// Reads `12`, `12.5` or `0.05`; nil for anything else, and for more decimals than there are.
  public func amount(_ text: String) -> Amount? {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard let whole = parts.first, parts.count <= 2, !whole.isEmpty,
      whole.count == 1 || whole.first != UInt8(ascii: "0")
    else { return nil }
    let fraction = parts.count == 2 ? Array(parts[1]) : []
    guard parts.count == 1 || !fraction.isEmpty, fraction.count <= Int(decimals) else { return nil }
    let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: Int(decimals) - fraction.count)
    var units: UInt64 = 0
    for digit in Array(whole) + fraction + zeros {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      let (scaled, overflow) = units.multipliedReportingOverflow(by: 10)
      let (sum, overflowed) = scaled.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
      guard !overflow, !overflowed else { return nil }
      units = sum
    }
    return Amount(units)
  }

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
