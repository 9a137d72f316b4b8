import Kernel
public import Mesh
public import Service

/// A first balance of a network, as its operator writes it: `ACCOUNT=AMOUNT`.
public struct FirstBalance: Hashable, Sendable, CustomStringConvertible {
  public let account: AccountID
  public let amount: DecimalAmount

  public init(account: AccountID, amount: DecimalAmount) {
    self.account = account
    self.amount = amount
  }

  /// Reads one.
  ///
  /// - Throws: `ValueProblem` with what it should be.
  public init(_ text: some StringProtocol) throws(ValueProblem) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts[0].lowercased().hasPrefix("mesh1") || parts[0].lowercased().hasPrefix("tmesh1") {
      throw ValueProblem(
        "an account's public key and an amount: an address belongs to a network that is there already"
      )
    }
    guard parts.count == 2, let bytes = Bytes32(hex: parts[0]),
      let amount = DecimalAmount(String(parts[1]))
    else {
      throw ValueProblem(
        "an account's public key of 64 hexadecimal digits, = and an amount, for example "
          + "3b6a…da29=10000"
      )
    }
    self.init(account: AccountID(bytes), amount: amount)
  }

  public var description: String { "\(account)=\(amount.text)" }
}

extension FirstBalance {
  /// A line each: 64 digits, `=`, an amount, and room for a remark.
  private static let fileBytesMax = 128 * Limits.allocations

  /// Reads a file of one balance a line; empty lines and what follows a `#` say nothing.
  ///
  /// - Throws: `UsageFailure` with the line that is wrong.
  public static func readFile(_ path: String) throws -> [FirstBalance] {
    let bytes: [UInt8]
    do {
      bytes = try PrivateFile.read(path, bytesMax: fileBytesMax)
    } catch {
      throw UsageFailure.badFile("\(error)")
    }
    var balances: [FirstBalance] = []
    var number = 0
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      let isBlank = { (byte: UInt8) in [UInt8(ascii: " "), 9, 13].contains(byte) }
      var content = line.prefix { $0 != UInt8(ascii: "#") }.drop(while: isBlank)
      while let last = content.last, isBlank(last) { content.removeLast() }
      guard !content.isEmpty else { continue }
      let text = String(decoding: content, as: UTF8.self)
      do {
        balances.append(try FirstBalance(text))
      } catch {
        throw UsageFailure.badValue(
          source: "\(path):\(number)",
          key: "the line",
          found: "'\(text.prefix(100))'",
          expected: error.expected
        )
      }
    }
    return balances
  }
}
