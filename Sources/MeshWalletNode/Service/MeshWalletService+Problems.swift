import Kernel
public import Mesh

/// What goes wrong with validators and money, with the figures that help.
extension MeshWalletService {
  /// Fewer than a quorum answer: which do not, and how many are needed.
  func unreachable() -> WalletProblem {
    let validators = configuration.genesis.validators
    let there = Set(connected.values)
    return WalletProblem(
      .unreachable,
      "\(validators.quorum) of the \(validators.count) validators are needed and \(there.count) "
        + "answer; no answer from \(missingText). Nothing was done"
    )
  }

  /// The machine did not come to an end in time.
  func stillUnderWay() -> WalletProblem {
    let validators = configuration.genesis.validators
    guard let progress else {
      return WalletProblem(
        .underWay,
        "the validators did not answer in time"
          + (missingText.isEmpty ? "" : "; no answer from \(missingText)")
      )
    }
    let recovery =
      progress.ballot == .zero
      ? "" : " in ballot \(progress.ballot), as its place was locked by something signed earlier"
    return WalletProblem(
      .underWay,
      "the transition \(progress.hash) has \(progress.votes) of \(validators.quorum) votes\(recovery)"
        + (missingText.isEmpty ? "" : "; no answer from \(missingText)")
        + ". It is stored and goes on with the next command, or with mesh-wallet resync: do not send "
        + "it again"
    )
  }

  private var missingText: String {
    let there = Set(connected.values)
    return configuration.genesis.validators.indices.filter { !there.contains($0) }
      .map { index in
        "validator \(index)" + (configuration.validators[index].map { " (\($0))" } ?? "")
      }
      .joined(separator: ", ")
  }

  func insufficientFunds(_ amount: Amount, _ status: MeshWallet.Status) -> WalletProblem {
    let genesis = configuration.genesis
    let fee = genesis.fees.minimum(outputs: 1) ?? .zero
    var text =
      "\(genesis.asset.text(amount)) and the fee of \(genesis.asset.text(fee)) are more than the "
      + "\(genesis.asset.text(status.balance)) that the account holds"
    if status.claimable > .zero {
      text += " and the \(genesis.asset.text(status.claimable)) that wait for it"
      let all = status.balance.adding(status.claimable)
      if let needed = amount.adding(fee), let all, needed <= all {
        text = "run mesh-wallet receive --all first: more payments wait than one transition claims"
      }
    }
    return WalletProblem(.insufficientFunds, text)
  }

  /// What observers are told of an event; nil for what concerns nobody.
  func json(of event: MeshWallet.Event) -> JSON? {
    switch event {
    case .voted(let validator, let votes, let quorum):
      [
        "event": "vote", "validator": JSON(validator.number), "votes": JSON(votes),
        "needed": JSON(quorum),
      ]
    case .rejected(let validator, let code):
      [
        "event": "rejected", "validator": JSON(validator.number), "code": JSON(code.rawValue),
        "reason": "\(code)",
      ]
    case .certified(let certificate):
      ["event": "certified", "certificate": JSON(certificate.hash.description)]
    case .settled(let hash): ["event": "settled", "certificate": JSON(hash.description)]
    case .recovering(let slot, let ballot):
      [
        "event": "recovering", "sequence": .decimal(slot.sequence.number),
        "ballot": JSON(ballot.number),
      ]
    case .equivocation(let proof):
      ["event": "validator_equivocated", "validator": JSON(proof.a.validator.number)]
    case .received(let incoming): incoming.event
    }
  }
}

extension WalletProblem {
  /// Why a text is no address here, and for another network's, which one this is.
  public init(badAddress failure: AddressFailure, on genesis: Genesis) {
    let code: Code = failure == .otherNetwork ? .otherNetwork : .badAddress
    let hint =
      failure == .otherNetwork
      ? ": this wallet is on \(genesis.name.terminalSafe), whose addresses begin with "
        + "\(genesis.addressPrefix)1 and end otherwise" : ""
    self.init(code, failure.description + hint)
  }
}
