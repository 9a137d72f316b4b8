public import Kernel
public import Secp256k1

/// What its sender asks of the chain.
public struct Transaction: Hashable, Sendable {
  public enum Kind: UInt8, CaseIterable, Sendable {
    /// Moves coins and runs nothing.
    case transfer
    /// Runs the contract; of account zero, the data as raw code on the commons.
    case call
    case createBrainfuck, createLisp
    /// Runs the data as raw code, and keeps nothing but the receipt.
    case eval
    /// Reserved.
    case proved
  }

  public var chainID: UInt32 = 0
  public var nonce: UInt64 = 0
  public var gasLimit = gasMax
  /// The most that a unit of gas may cost, and what of it goes to the producer.
  public var maxPrice: UInt64 = 1
  public var tip: UInt64 = 0
  /// Zero for `create` and `eval`.
  public var to: Address
  /// Moves with the call; of an `eval` it does not.
  public var value: UInt64
  public var kind: Kind
  public var data: [UInt8]

  public init(_ kind: Kind, to: Address = .zero, value: UInt64 = 0, data: [UInt8] = []) {
    (self.kind, self.to, self.value, self.data) = (kind, to, value, data)
  }

  /// Half a block's.
  public static let gasMax: UInt64 = 25_000_000
  /// Bytes of a transaction without its data.
  public static let sizeMin = 134

  public var size: Int { Self.sizeMin + data.count }
  public var intrinsicGas: UInt64 { 2_000 + 4 * UInt64(data.count) }

  /// The rules that block and pool have in common.
  func check(of sender: Account, baseFee: UInt64, chain: UInt32) throws(Rejection) {
    guard data.count <= Call.dataMax else { throw .malformed }
    guard kind != .proved else { throw .reservedKind }
    guard chainID == chain else { throw .wrongChain }
    guard gasLimit <= Self.gasMax else { throw .gasTooHigh }
    guard gasLimit >= intrinsicGas else { throw .gasTooLow }
    guard maxPrice >= baseFee else { throw .priceTooLow }
    guard nonce >= sender.nonce else { throw .nonceTooLow }
    let cost = UInt128(gasLimit) * UInt128(maxPrice) + UInt128(value)
    guard cost <= UInt128(sender.balance) else { throw .balanceTooLow }
  }

  // chain id 4 ‖ nonce 8 ‖ gas limit 8 ‖ max price 8 ‖ tip 8 ‖ to 20 ‖ value 8 ‖ kind 1 ‖ length 4 ‖ data
  var bytes: [UInt8] {
    var writer = ByteWriter(capacity: size)
    writer.integer(chainID)
    for field in [nonce, gasLimit, maxPrice, tip] { writer.integer(field) }
    writer.array(to.bytes + value.littleEndianBytes + [kind.rawValue])
    writer.array(UInt32(data.count).littleEndianBytes + data)
    return writer.bytes
  }

  init(from reader: inout ByteReader) throws(DecodingFailure) {
    (chainID, nonce, gasLimit) = (try reader.uint32(), try reader.uint64(), try reader.uint64())
    (maxPrice, tip) = (try reader.uint64(), try reader.uint64())
    (to, value) = (try Address(from: &reader), try reader.uint64())
    guard let kind = Kind(rawValue: try reader.uint8()) else {
      throw reader.failure(.unknown("kind"))
    }
    self.kind = kind
    let length = try reader.uint32()
    guard length <= Call.dataMax else { throw reader.failure(.tooLong("data")) }
    data = try reader.array(Int(length))
  }
}

/// A transaction whose signature is right: it says who sends it.
public struct SignedTransaction: Hashable, Sendable {
  public let transaction: Transaction
  public let signature: ECDSASignature
  public let sender: Address
  /// SHA-256d of all bytes.
  public let id: Bytes32

  /// Signs.
  public init(_ transaction: Transaction, by key: ECDSASecretKey) {
    (self.transaction, sender) = (transaction, Address(key.publicKey))
    signature = key.sign(digest: Self.digest(transaction.bytes))
    id = SHA256.double(transaction.bytes + signature.bytes.bytes + [signature.recoveryID])
  }

  /// Decodes and checks all that needs no state; takes some 50 µs.
  ///
  /// - Throws: `malformed`, `reservedKind`, `recipientNotZero`, `highS` or `badSignature`.
  public init(_ bytes: [UInt8]) throws(Rejection) {
    do throws(DecodingFailure) {
      var reader = ByteReader(bytes)
      transaction = try Transaction(from: &reader)
      signature = ECDSASignature(try reader.bytes64(), recoveryID: try reader.uint8())
      try reader.finish()
    } catch { throw .malformed }
    guard transaction.kind != .proved else { throw .reservedKind }
    let hasRecipient = transaction.kind == .transfer || transaction.kind == .call
    guard hasRecipient || transaction.to == .zero else { throw .recipientNotZero }
    guard signature.isLowS else { throw .highS }
    guard let key = signature.signer(ofDigest: Self.digest(bytes.dropLast(65))) else {
      throw .badSignature
    }
    (sender, id) = (Address(key), SHA256.double(bytes))
  }

  /// … ‖ signature 64 ‖ recovery id 1.
  public var bytes: [UInt8] { transaction.bytes + signature.bytes.bytes + [signature.recoveryID] }

  private static func digest(_ bytes: some Collection<UInt8>) -> Bytes32 {
    SHA256.double(Array("tinychain/tx/v1".utf8) + bytes)
  }
}

extension Address {
  /// The last 20 bytes of SHA-256d of a key.
  public init(_ key: ECDSAPublicKey) { self.init(endOf: SHA256.double(key.bytes)) }

  /// The contract that an account makes with this nonce.
  public init(contractBy creator: Address, nonce: UInt64) {
    let tag = Array("tinychain/contract/v1".utf8)
    self.init(endOf: SHA256.double(tag + creator.bytes + nonce.littleEndianBytes))
  }
}
