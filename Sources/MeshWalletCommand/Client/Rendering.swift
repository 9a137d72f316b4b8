import Kernel
import Mesh
import MeshWalletNode

// Answers as people read them. What others wrote, memos above all, never reaches a terminal as it is.

extension JSON {
  /// A member as text: a string or a number, "?" for anything else.
  func text(_ key: String) -> String {
    switch self[key] {
    case .string(let text)?: text.terminalSafe
    case .number(let number)?: number.text
    case .bool(let flag)?: flag ? "yes" : "no"
    default: "?"
    }
  }

  /// An amount in this answer's currency: `12.5 TST`.
  func amount(_ value: JSON?) -> String {
    guard let units = value?.decimal(UInt64.self) else { return "an amount not shown" }
    let asset = Genesis.Asset(
      id: Genesis.assetID,
      decimals: self["decimals"]?.integer() ?? 0,
      symbol: self["symbol"]?.string ?? "",
      supply: .zero
    )
    return asset.text(Amount(units))
  }

  /// `"rent"`, or nothing.
  var memoText: String {
    if let memo = self["memo"]?.string { return "  \"\(memo.terminalSafe)\"" }
    if let bytes = self["memo_hex"]?.string { return "  memo 0x\(bytes)" }
    return self["memo_unreadable"] == nil ? "" : "  (a memo that cannot be read)"
  }
}

/// The numbered words of a new wallet.
func wordTable(_ words: [String]) -> String {
  var text = "Write these words down and keep them: they alone bring the wallet back.\n\n"
  for (index, word) in words.enumerated() {
    let number = index < 9 ? " \(index + 1)" : "\(index + 1)"
    let space = String(repeating: " ", count: max(1, 10 - word.count))
    text += "  \(number) \(word)" + (index % 4 == 3 ? "\n" : space)
  }
  return text
}
