import EdDSA
import Kernel

/// A view key with its account, as text to hand to an auditor: no key to spend with can be found
/// from it.
///
/// Bech32m over `u8 1 ‖ level u8 ‖ account 32 ‖ incoming key 32`, then for level 0, the income,
/// 4 zeros; for level 1, everything, the owner key 32 and 2 zeros. The zeros fill the digits.
///
/// The text is a secret in readable form, in memory that nobody wipes.
public enum ViewKeyText {
  public static let prefix = "meshview"
  private static let sizes = [70, 100]

  /// The text of keys; those that spend are left out.
  public static func text(of keys: WalletKeys) -> String {
    var payload: [UInt8] = [1, keys.full == nil ? 0 : 1] + keys.account.bytes.bytes
    payload += keys.incoming.exported.withUnsafeBytes { Array($0) }
    if let full = keys.full { payload += full.exportedOwner.withUnsafeBytes { Array($0) } }
    let size = sizes.first { $0 >= payload.count } ?? payload.count
    payload += [UInt8](repeating: 0, count: size - payload.count)
    return Bech32m.text(prefix: prefix, payload: payload)
  }

  /// Reads what `text` wrote.
  ///
  /// - Throws: `AddressFailure`, which says what is wrong.
  public static func keys(of text: String) throws(AddressFailure) -> WalletKeys {
    let digits = text.utf8.count - prefix.utf8.count - 1 - 6
    guard let size = sizes.first(where: { $0 * 8 / 5 == digits }) else {
      throw .wrongLength(text.utf8.count)
    }
    let payload: [UInt8]
    do throws(Bech32mFailure) {
      payload = try Bech32m.payload(of: Array(text.utf8), prefixes: [prefix], size: size).bytes
    } catch {
      throw AddressFailure(error)
    }
    guard payload[0] == 1 else { throw .unknownVersion(payload[0]) }
    let isFull = size == sizes[1]
    guard payload[1] == (isFull ? 1 : 0), let account = Bytes32(payload[2..<34]),
      payload[(isFull ? 98 : 66)...].allSatisfy({ $0 == 0 })
    else { throw .wrongLength(text.utf8.count) }
    let id = AccountID(account)
    guard id.key.isInPrimeSubgroup else { throw .unacceptableKey }
    guard let incoming = IncomingViewKey(exported: secret(payload[34..<66])) else {
      throw .wrongLength(text.utf8.count)
    }
    guard isFull else { return .income(id, incoming) }
    let owner = secret(payload[66..<98])
    guard let full = FullViewKey(exported: incoming.exported, owner: owner) else {
      throw .wrongLength(text.utf8.count)
    }
    return .full(id, full)
  }

  private static func secret(_ bytes: ArraySlice<UInt8>) -> SecretBytes {
    SecretBytes(count: bytes.count) { $0.copyBytes(from: bytes) }
  }
}
