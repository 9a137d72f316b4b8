public import Kernel
public import Mesh

/// An account's payments, in the order of its own chain; what waits to be received comes last.
struct WalletHistory {
  private let state: WalletState
  private let keys: WalletKeys
  private let genesis: Genesis
  private let incoming: [OutputReference: WalletState.Incoming]

  init(_ state: WalletState, keys: WalletKeys, genesis: Genesis) {
    self.state = state
    self.keys = keys
    self.genesis = genesis
    incoming = Dictionary(state.incoming.map { ($0.reference, $0) }) { first, _ in first }
  }

  /// Whether no certificate of the own chain is missing.
  var isComplete: Bool { UInt64(state.certificates.count) == state.nextSequence.number }

  /// At most so many, the newest first.
  func entries(newest count: Int) -> [JSON] {
    // Who sees the income alone does not know what was claimed.
    let waiting = (keys.full == nil ? state.incoming : state.claimable).reversed()
    var entries = waiting.prefix(count).map { payment in
      var entry = JSON.Object()
      entry["kind"] = keys.full == nil ? "income" : "receivable"
      for member in payment.json.object?.members ?? [] { entry[member.key] = member.value }
      return JSON.object(entry)
    }
    let sequences = state.certificates.keys.sorted(by: >)
    for sequence in sequences.prefix(count - entries.count) {
      if let certificate = state.certificates[sequence] { entries.append(entry(certificate)) }
    }
    return entries
  }

  private func entry(_ certificate: SettlementCertificate) -> JSON {
    let body = certificate.signed.body
    let memo = keys.full?.open(body)
    var entry = JSON.Object()
    entry["kind"] = "transition"
    entry["certificate"] = JSON(certificate.hash.description)
    entry["sequence"] = .decimal(certificate.slot.sequence.number)
    entry["fee"] = .decimal(body.fee.units)
    if let memo { entry["balance"] = .decimal(memo.balance.value) }
    entry["sent"] = .array(body.outputs.indices.map { sent($0, of: body, memo) })
    entry["received"] = .array(
      body.claims.map { claim in
        incoming[claim]?.json
          ?? [
            "certificate": JSON(claim.source.description), "output": JSON(claim.index),
          ]
      }
    )
    return .object(entry)
  }

  private func sent(_ index: Int, of body: TransitionBody, _ memo: OwnerMemo?) -> JSON {
    var sent = JSON.Object()
    sent["account"] = JSON(body.outputs[index].recipient.description)
    guard let memo else { return .object(sent) }
    let address = Address(
      account: body.outputs[index].recipient,
      viewKey: memo.sent[index].viewKey,
      genesis: genesis
    )
    sent["to"] = JSON(address.description)
    sent["amount"] = .decimal(memo.sent[index].amount.units)
    if let text = keys.spending?.sentMemo(at: index, of: body, memo) { sent.put(text) }
    return .object(sent)
  }
}

extension WalletState.Incoming {
  /// Who paid how much, and what he says.
  var json: JSON {
    var json = JSON.Object()
    json["certificate"] = JSON(reference.source.description)
    json["output"] = JSON(reference.index)
    json["from"] = JSON(certificate.slot.account.description)
    json["amount"] = .decimal(payment.amount.units)
    json.put(payment.memo)
    return .object(json)
  }

  var event: JSON {
    var event = JSON.Object()
    event["event"] = "received"
    for member in json.object?.members ?? [] { event[member.key] = member.value }
    return .object(event)
  }
}

extension JSON.Object {
  /// A memo as it is: text, bytes in hexadecimal, or a word that it cannot be read.
  mutating func put(_ memo: Memo) {
    switch memo {
    case .none: break
    case .text(let text): self["memo"] = JSON(text)
    case .opaque(let bytes): self["memo_hex"] = JSON(bytes.hex)
    case .unreadable: self["memo_unreadable"] = true
    }
  }
}

extension Receipt {
  /// What a verified receipt says.
  ///
  /// - Parameters:
  ///   - keys: may open its amounts.
  ///   - genesis: that it was verified with.
  /// - Returns: an object.
  public func json(with keys: WalletKeys?, on genesis: Genesis) -> JSON {
    let body = certificate.signed.body
    var json = JSON.Object()
    json["valid"] = true
    json["network"] = JSON(genesis.name)
    json["symbol"] = JSON(genesis.asset.symbol)
    json["decimals"] = JSON(genesis.asset.decimals)
    json["certificate"] = JSON(certificate.hash.description)
    json["from"] = JSON(body.sender.description)
    json["sequence"] = .decimal(body.sequence.number)
    json["fee"] = .decimal(body.fee.units)
    json["signers"] = .array(certificate.signerIndices.map { JSON($0.number) })
    json["quorum"] = JSON(genesis.validators.quorum)
    json["payments"] = .array(
      payments(with: keys, on: genesis).map { payment in
        var json = JSON.Object()
        json["output"] = JSON(payment.index)
        json["account"] = JSON(payment.recipient.description)
        if let amount = payment.amount { json["amount"] = .decimal(amount.units) }
        if let memo = payment.memo { json.put(memo) }
        return .object(json)
      }
    )
    return .object(json)
  }
}
