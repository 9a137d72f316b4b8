import EdDSA
import Kernel
import SmallNano

/// The fields of one call, read strictly: a field of the wrong type is an error that names it.
struct RPCCall {
  let fields: JSON

  /// Hashes or accounts in one call: what 256 KiB of text hold, and a read that stays short.
  static let listMax = 1000

  private func text(_ name: String) throws(RPCFailure) -> String? {
    guard let value = fields[name], !value.isNull else { return nil }
    guard let text = value.string else { throw .field(name, "must be a string, not \(value.kind)") }
    return text
  }

  private func required<Value>(_ value: Value?, _ name: String) throws(RPCFailure) -> Value {
    guard let value else { throw RPCFailure(status: 400, "missing_field", "\(name) is missing") }
    return value
  }

  // MARK: One reader for each kind of field; the `optional` ones give nil for an absent field.

  func optionalString(_ name: String, max: Int = 1024) throws(RPCFailure) -> String? {
    guard let text = try text(name) else { return nil }
    guard text.utf8.count <= max else { throw .field(name, "has more than \(max) bytes") }
    return text
  }

  func string(_ name: String, max: Int = 1024) throws(RPCFailure) -> String {
    try required(try optionalString(name, max: max), name)
  }

  func optionalAccount(_ name: String) throws(RPCFailure) -> Account? {
    guard let text = try text(name) else { return nil }
    return try Self.account(text, name)
  }

  func account(_ name: String = "account") throws(RPCFailure) -> Account {
    try required(try optionalAccount(name), name)
  }

  func accounts(_ name: String = "accounts") throws(RPCFailure) -> [Account] {
    try list(name) { text throws(RPCFailure) in try Self.account(text, name) }
  }

  static func account(_ text: String, _ name: String) throws(RPCFailure) -> Account {
    do {
      return try Account(address: text)
    } catch {
      throw RPCFailure(status: 400, "bad_account", "\(name): \(error)")
    }
  }

  func optionalHash(_ name: String) throws(RPCFailure) -> BlockHash? {
    guard let text = try text(name) else { return nil }
    return try Self.hash(text, name)
  }

  func hash(_ name: String = "hash") throws(RPCFailure) -> BlockHash {
    try required(try optionalHash(name), name)
  }

  func hashes(_ name: String = "hashes") throws(RPCFailure) -> [BlockHash] {
    try list(name) { text throws(RPCFailure) in try Self.hash(text, name) }
  }

  private static func hash(_ text: String, _ name: String) throws(RPCFailure) -> BlockHash {
    guard let bytes = Bytes32(hex: text) else {
      throw .field(name, "must have 64 hexadecimal digits")
    }
    return BlockHash(bytes)
  }

  func bytes32(_ name: String) throws(RPCFailure) -> Bytes32 {
    guard let bytes = Bytes32(hex: try string(name)) else {
      throw .field(name, "must have 64 hexadecimal digits")
    }
    return bytes
  }

  /// 32 secret bytes in hexadecimal.
  ///
  /// The text they come in belongs to the request and is not wiped.
  func optionalSeed(_ name: String) throws(RPCFailure) -> SecretBytes? {
    guard let text = try text(name) else { return nil }
    guard var bytes = [UInt8](hex: text), bytes.count == 32 else {
      throw .field(name, "must have 64 hexadecimal digits")
    }
    return SecretBytes(wiping: &bytes)
  }

  func seed(_ name: String) throws(RPCFailure) -> SecretBytes {
    try required(try optionalSeed(name), name)
  }

  /// The copy made here is wiped; the request's own text is not, for Swift's strings cannot be.
  func password(_ name: String = "password") throws(RPCFailure) -> SecretBytes {
    var bytes = Array(try string(name).utf8)
    return SecretBytes(wiping: &bytes)
  }

  func optionalAmount(_ name: String) throws(RPCFailure) -> Amount? {
    guard let text = try text(name) else { return nil }
    guard let amount = Amount(rawText: text) else {
      throw .field(name, "must be whole raw in decimal digits")
    }
    return amount
  }

  func amount(_ name: String = "amount") throws(RPCFailure) -> Amount {
    try required(try optionalAmount(name), name)
  }

  /// A whole number, as a JSON number or in a string.
  func optionalInteger<I: FixedWidthInteger>(
    _ name: String,
    _ type: I.Type = I.self
  ) throws(RPCFailure) -> I? {
    guard let value = fields[name], !value.isNull else { return nil }
    guard let integer: I = value.decimal() else {
      throw .field(name, "must be a whole number from \(I.min) to \(I.max)")
    }
    return integer
  }

  /// How much to answer at most; more than `max` is an error rather than a shorter answer.
  func count(_ name: String = "count", default standard: Int, max: Int) throws(RPCFailure) -> Int {
    let count = try optionalInteger(name, Int.self) ?? standard
    guard (0...max).contains(count) else { throw .field(name, "must be from 0 to \(max)") }
    return count
  }

  /// `true` or `"true"`, as Nano's clients send it.
  func flag(_ name: String, default standard: Bool = false) throws(RPCFailure) -> Bool {
    guard let value = fields[name], !value.isNull else { return standard }
    switch value {
    case .bool(let flag): return flag
    case .string("true"), .string("1"): return true
    case .string("false"), .string("0"): return false
    default: throw .field(name, "must be true or false")
    }
  }

  func work(_ name: String = "work") throws(RPCFailure) -> UInt64 {
    try Self.word(try string(name), name)
  }

  func optionalWork(_ name: String) throws(RPCFailure) -> UInt64? {
    guard let text = try text(name) else { return nil }
    return try Self.word(text, name)
  }

  private static func word(_ text: String, _ name: String) throws(RPCFailure) -> UInt64 {
    guard text.utf8.count == 16, let bytes = [UInt8](hex: text) else {
      throw .field(name, "must have 16 hexadecimal digits")
    }
    return bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  private func list<Value>(
    _ name: String,
    _ read: (String) throws(RPCFailure) -> Value
  ) throws(RPCFailure) -> [Value] {
    guard let value = fields[name] else {
      throw RPCFailure(status: 400, "missing_field", "\(name) is missing")
    }
    guard let array = value.array else {
      throw .field(name, "must be an array, not \(value.kind)")
    }
    guard array.count <= Self.listMax else {
      throw .field(name, "has more than \(Self.listMax) elements")
    }
    var values: [Value] = []
    for element in array {
      guard let text = element.string else {
        throw .field(name, "must hold strings, not \(element.kind)")
      }
      values.append(try read(text))
    }
    return values
  }

  // MARK: Blocks

  /// A block with the fields that `RPCFormat.contents` writes.
  ///
  /// `signature` and `work` may be left out where only the hash matters.
  func block(_ name: String = "block", on chain: ChainID) throws(RPCFailure) -> Block {
    guard var value = fields[name] else {
      throw RPCFailure(status: 400, "missing_field", "\(name) is missing")
    }
    // Nano's clients may send the block as text in a string.
    if let text = value.string {
      do {
        value = try JSON(parsing: text)
      } catch {
        throw .field(name, "is no JSON: \(error)")
      }
    }
    guard value.object != nil else { throw .field(name, "must be an object, not \(value.kind)") }
    let inner = RPCCall(fields: value)
    if let type = try inner.optionalString("type"), type != "state" {
      throw .field("type", "must be state")
    }
    guard let height = try inner.optionalInteger("height", UInt64.self) else {
      throw RPCFailure(status: 400, "missing_field", "height is missing")
    }
    var signature = Signature.zero
    if let text = try inner.optionalString("signature") {
      guard let bytes = [UInt8](hex: text), let bytes = Bytes64(bytes) else {
        throw .field("signature", "must have 128 hexadecimal digits")
      }
      signature = Signature(bytes)
    }
    return Block(
      account: try inner.account("account"),
      previous: try inner.hash("previous"),
      representative: try inner.account("representative"),
      balance: try inner.amount("balance"),
      link: try inner.link(),
      height: Height(height),
      work: try inner.optionalWork("work") ?? 0,
      signature: signature,
      on: chain
    )
  }

  /// A destination may be given as an address.
  private func link() throws(RPCFailure) -> Bytes32 {
    let text = try string("link")
    if text.hasPrefix("smn_") { return try Self.account(text, "link").bytes }
    return try bytes32("link")
  }
}
