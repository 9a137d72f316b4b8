import Kernel
import Service

/// An amount as it was typed; how many units it is depends on the asset's decimals.
struct Tokens: Hashable, Sendable {
  let text: String
  private let whole: [UInt8]
  private let fraction: [UInt8]

  static let zero = Tokens(text: "0", whole: Array("0".utf8), fraction: [])

  private init(text: String, whole: [UInt8], fraction: [UInt8]) {
    self.text = text
    self.whole = whole
    self.fraction = fraction
  }

  /// Nil unless the text is digits, or digits with a point between them.
  init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), text.utf8.count <= 40,
      parts.allSatisfy({ part in
        !part.isEmpty && part.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      })
    else { return nil }
    self.init(
      text: text,
      whole: Array(parts[0]),
      fraction: parts.count == 2 ? Array(parts[1]) : []
    )
  }

  /// Nil if it has more decimals than that, or is 2^64 units or more.
  func units(decimals: UInt8) -> UInt64? {
    guard fraction.count <= Int(decimals) else { return nil }
    let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: Int(decimals) - fraction.count)
    var units: UInt64 = 0
    for digit in whole + fraction + zeros {
      let (product, overflow) = units.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
      guard !overflow, !carry else { return nil }
      units = sum
    }
    return units
  }
}

extension OptionType<Tokens> {
  static var tokens: OptionType {
    text(
      "AMOUNT",
      parse: { text throws(ValueProblem) in
        guard let tokens = Tokens(text) else {
          throw ValueProblem("an amount, for example 10000 or 0.05")
        }
        return tokens
      },
      text: \.text
    )
  }
}

extension OptionType<PublicKey> {
  static var publicKey: OptionType {
    text(
      "KEY",
      parse: { text throws(ValueProblem) in
        guard let bytes = Bytes32(hex: text) else {
          throw ValueProblem(
            "a public key of 64 hexadecimal digits, as `mesh-validator init` prints"
          )
        }
        return PublicKey(bytes)
      },
      text: \.description
    )
  }
}

/// A first balance: `ACCOUNT=AMOUNT`.
struct FirstBalance: Hashable, Sendable {
  let account: PublicKey
  let amount: Tokens
}

extension OptionType<FirstBalance> {
  static var allocation: OptionType {
    text(
      "ACCOUNT=AMOUNT",
      parse: { text throws(ValueProblem) in
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts[0].lowercased().hasPrefix("mesh1") || parts[0].lowercased().hasPrefix("tmesh1") {
          throw ValueProblem(
            "an account's public key and an amount: an address belongs to a network that is there "
              + "already"
          )
        }
        guard parts.count == 2, let bytes = Bytes32(hex: parts[0]),
          let amount = Tokens(String(parts[1]))
        else {
          throw ValueProblem(
            "an account's public key of 64 hexadecimal digits, = and an amount, for example "
              + "3b6a…da29=10000"
          )
        }
        return FirstBalance(account: PublicKey(bytes), amount: amount)
      },
      text: { "\($0.account)=\($0.amount.text)" }
    )
  }
}
