import Kernel
public import Mesh

/// A proof that a payment is final, for whoever has the network's genesis.
///
///     "MESHRCPT" ‖ version u16 = 1 ‖ pruned SettlementCertificate
///
/// It shows who paid whom, and no amount: that, the keys of one of the two find in it.
public struct Receipt: Hashable, Sendable {
  public let certificate: SettlementCertificate

  private static let magic = Array("MESHRCPT".utf8)
  private static let version: UInt16 = 1

  /// The largest certificate and what stands before it.
  public static let bytesMax = 10 + Limits.certificateBytes

  public init(_ certificate: SettlementCertificate) {
    self.certificate = certificate.pruned
  }

  public init(_ bytes: [UInt8]) throws(WalletProblem) {
    guard bytes.starts(with: Self.magic) else {
      throw WalletProblem(.badReceipt, "the file is no receipt")
    }
    do throws(DecodingFailure) {
      var reader = ByteReader(bytes)
      _ = try reader.array(Self.magic.count)
      guard try reader.uint16() == Self.version else { throw reader.failure(.unknown("version")) }
      certificate = try SettlementCertificate(from: &reader)
      try reader.finish()
    } catch {
      throw WalletProblem(.badReceipt, "the receipt is damaged: it \(error)")
    }
    guard certificate.transition == nil else {
      throw WalletProblem(.badReceipt, "the receipt holds a range proof, which none does")
    }
  }

  public var encoded: [UInt8] {
    var writer = ByteWriter(capacity: 1024)
    writer.array(Self.magic)
    writer.integer(Self.version)
    certificate.encode(into: &writer)
    return writer.bytes
  }

  /// Checks signatures and quorum against a genesis; asks nobody.
  ///
  /// - Parameters:
  ///   - genesis: of the network that the receipt should be of.
  ///   - random: unpredictable.
  /// - Throws: `WalletProblem`, which says what is wrong.
  public func verify(
    on genesis: Genesis,
    using random: inout some RandomNumberGenerator
  ) throws(WalletProblem) {
    guard certificate.signed.body.network == genesis.id else {
      throw WalletProblem(
        .otherNetwork,
        "the receipt is of another network than \(genesis.name.terminalSafe)"
      )
    }
    var checker = StatelessChecker(genesis)
    if let failure = checker.failure(of: certificate, using: &random) {
      throw WalletProblem(.badReceipt, "the receipt proves nothing: \(failure)")
    }
  }
}

/// One payment of a receipt, as far as keys open it.
public struct ReceiptPayment: Hashable, Sendable {
  public let index: Int
  public let recipient: AccountID
  /// Nil without a key of payer or payee.
  public let amount: Amount?
  public let memo: Memo?
}

extension Receipt {
  /// Its payments; the keys of the payee or the full ones of the payer show amounts.
  public func payments(with keys: WalletKeys?, on genesis: Genesis) -> [ReceiptPayment] {
    let body = certificate.signed.body
    let sent = keys?.account == body.sender ? keys?.full?.open(body)?.sent : nil
    return body.outputs.enumerated().map { index, output in
      var amount = sent?[index].amount
      var memo: Memo?
      if let keys, keys.account == output.recipient,
        let payment = keys.incoming.open(output, at: index, of: body.slot, on: genesis.id)
      {
        amount = payment.amount
        memo = payment.memo
      }
      return ReceiptPayment(
        index: index,
        recipient: output.recipient,
        amount: amount,
        memo: memo
      )
    }
  }
}
