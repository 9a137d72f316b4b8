/// An amount as people write it, in whole tokens: `12`, `12.5`, `0.05`.
///
/// How many units it is depends on the asset's decimals, which whoever types it may say later.
public struct DecimalAmount: Hashable, Sendable {
  public let text: String
  /// Digits, each 0 to 9.
  private let whole: [UInt8]
  private let fraction: [UInt8]

  public static let zero = DecimalAmount(text: "0", whole: [0], fraction: [])

  private init(text: String, whole: [UInt8], fraction: [UInt8]) {
    self.text = text
    self.whole = whole
    self.fraction = fraction
  }

  /// No number below 2^64 and no decimals of an asset need more.
  private static let bytesMax = 40

  /// Nil unless the text is digits, or digits with a point between them, and does not begin with a zero
  /// too many.
  public init?(_ text: String) {
    guard text.utf8.count <= Self.bytesMax else { return nil }
    let zero = UInt8(ascii: "0")
    var parts: [[UInt8]] = []
    for part in text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
      guard !part.isEmpty, part.allSatisfy({ (zero...zero + 9).contains($0) }) else { return nil }
      parts.append(part.map { $0 - zero })
    }
    guard (1...2).contains(parts.count), parts[0].count == 1 || parts[0][0] != 0 else { return nil }
    self.init(text: text, whole: parts[0], fraction: parts.count == 2 ? parts[1] : [])
  }

  /// Nil if it has more decimals than that, or is 2^64 units or more.
  public func amount(decimals: UInt8) -> Amount? {
    guard fraction.count <= Int(decimals) else { return nil }
    let zeros = [UInt8](repeating: 0, count: Int(decimals) - fraction.count)
    var units: UInt64 = 0
    for digit in whole + fraction + zeros {
      let (scaled, overflow) = units.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(UInt64(digit))
      guard !overflow, !carry else { return nil }
      units = sum
    }
    return Amount(units)
  }
}

extension Genesis.Asset {
  /// Reads `12`, `12.5` or `0.05`; nil for anything else, and for more decimals than there are.
  public func amount(_ text: String) -> Amount? {
    DecimalAmount(text)?.amount(decimals: decimals)
  }

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
}
