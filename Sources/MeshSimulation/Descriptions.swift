import Kernel
import Mesh
import Simulation

extension Descriptions<MeshNode> {
  /// Short texts; hashes by their first eight digits.
  static var mesh: Self {
    var texts = Self()
    texts.message = { text($0.value) }
    texts.command = { command in
      switch command {
      case .wallet(.send(let payees)): "send \(payees.map(\.amount.units))"
      case .wallet(let command): "\(command)"
      case .validator(let command): "\(command)"
      }
    }
    texts.reply = { reply in
      switch reply {
      case .wallet(.certified(let certificate)): "certified \(text(certificate))"
      case .wallet(.failed(let failure)): "failed: \(failure)"
      case .wallet(.synced): "synced"
      case .wallet(.status), .validator: "status"
      }
    }
    texts.timer = { timer in
      switch timer {
      case .wallet(let timer): "\(timer)"
      case .validator(let timer): "\(timer)"
      }
    }
    texts.change = { change in
      switch change {
      case .wallet(let change): change.operations.map(text).joined(separator: " + ")
      case .validator(let change): change.operations.map(text).joined(separator: " + ")
      }
    }
    texts.job = { job in
      switch job {
      case .build: "proof"
      case .check(let check, _): "check of \(check.transitions.map { short($0.hash.bytes) })"
      }
    }
    texts.output = { output in
      switch output {
      case .built(.success(let built)): "built \(short(built.transition.hash.bytes))"
      case .built(.failure(let failure)): "not built: \(failure)"
      case .verdicts(let verdicts): "checked \(verdicts)"
      }
    }
    texts.event = { event in
      switch event {
      case .validator(.voted(let vote)): "voted \(short(vote))"
      case .validator(.rejected(let code, _)): "rejected \(code)"
      case .validator(.applied(let certificate, let index)): "applied \(index) \(text(certificate))"
      case .validator(.evidence): "evidence"
      case .validator(.safetyFault(let certificate, let code)):
        "SAFETY FAULT \(code) \(text(certificate))"
      case .wallet(.received(let incoming)): "received \(text(incoming.reference))"
      case .wallet(.recovering(let slot, let ballot)): "recovering \(short(slot)) \(ballot)"
      case .wallet(.certified(let certificate)): "certified \(text(certificate))"
      case .wallet(.settled(let hash)): "settled \(short(hash.bytes))"
      case .wallet(.voted(let validator, let votes, let quorum)):
        "vote of \(validator), \(votes) of \(quorum)"
      case .wallet(.rejected(let validator, let code)): "\(validator) refuses: \(code)"
      case .wallet(.equivocation): "a validator voted twice"
      }
    }
    return texts
  }
}

private func text(_ message: MeshMessage) -> String {
  switch message {
  case .request(let request, let exchange): "\(text(request))?\(exchange.number)"
  case .response(let response, let exchange): "\(text(response))!\(exchange.number)"
  case .ping: "ping"
  case .pong(let pong): "pong \(pong.logHead)"
  }
}

private func text(_ request: Request) -> String {
  switch request {
  case .vote(let request):
    "vote b\(request.ballot) \(text(request.submission)) acks \(request.acks.map(text))"
      + " deps \(request.dependencies.map(text))"
  case .settle(let certificate): "settle \(text(certificate))"
  case .ballot(let request): "ballot \(request.ballot) \(short(request.slot))"
  case .sync(let request): "sync from \(request.from)"
  case .gap(let request): "gap \(short(request.from))"
  case .log(let request): "log from \(request.from)"
  case .outputs(let query): "outputs after \(query.after)"
  case .certificate(.hash(let hash)): "certificate \(short(hash.bytes))"
  case .certificate(.slot(let slot)): "certificate \(short(slot))"
  case .account, .equivocation, .validatorEquivocation, .network, .subscribe, .digest:
    "\(request.type)"
  }
}

private func text(_ response: Response) -> String {
  switch response {
  case .vote(let vote): "vote \(vote.validator) \(short(vote))"
  case .reject(let reject): "reject \(reject.code) \(short(reject.transition.bytes))"
  case .settled(let ack): "\(ack.status) \(short(ack.transition.bytes))"
  case .ballot(let ack): "ack \(text(ack))"
  case .account(let info):
    "account \(short(info.state.account.bytes)):\(info.state.nextSequence) pending "
      + "\(info.pending.map { "b\($0.ballot) \(short($0.transition.hash.bytes))" })"
  case .certificate(let certificate): "certificate \(text(certificate))"
  case .outputs(let page): "outputs \(page.rows.map { "\($0.index) \(text($0.reference))" })"
  case .sync(let response):
    "synced \(response.first.map { "\($0)" } ?? "gap") of \(response.head) "
      + "\(response.certificates.map(text))"
  case .log(let log): "log \(log.first) of \(log.head) \(log.hashes.map { short($0.bytes) })"
  case .error(let farewell): "error \(farewell.reason)"
  case .network, .event, .notFound, .digest: "\(response.type)"
  }
}

private func text(_ submission: VoteRequest.Submission) -> String {
  switch submission {
  case .transition(let transition): "\(short(transition.hash.bytes)) \(short(transition.slot))"
  case .refused(let code, _): "refused \(code)"
  }
}

private func text(_ ack: BallotAck) -> String {
  "\(ack.validator) b\(ack.ballot) \(ack.transitions.map { short($0.hash.bytes) })"
}

private func text(_ certificate: SettlementCertificate) -> String {
  "\(short(certificate.hash.bytes)) \(short(certificate.slot)) b\(certificate.ballot)"
}

private func text(_ reference: OutputReference) -> String {
  "\(short(reference.source.bytes)).\(reference.index)"
}

private func text(_ operation: LedgerChange.Operation) -> String {
  switch operation {
  case .putAccount(let state): "account \(short(state.account.bytes)):\(state.nextSequence)"
  case .putLock(let lock):
    "lock \(short(lock.slot)) b\(lock.promised) \(lock.votes.map { short($0.vote) })"
  case .removeLock(let slot): "unlock \(short(slot))"
  case .appendCertificate(let certificate, let index): "log \(index) \(text(certificate))"
  case .putOutput(let record): "output \(record.index) \(text(record.reference))"
  case .putBuffered(let certificate): "buffer \(text(certificate))"
  case .removeBuffered(let slot): "unbuffer \(short(slot))"
  case .putEvidence: "evidence"
  case .putCursor(let peer, let index): "cursor \(peer) \(index)"
  case .putTotals: "totals"
  }
}

private func text(_ operation: WalletChange.Operation) -> String {
  switch operation {
  case .setPending(let pending):
    pending.map { "pending \(short($0.transition.hash.bytes))" } ?? "nothing pending"
  case .settle(let certificate, _): "settle \(text(certificate))"
  case .putCertificate(let certificate): "certificate \(text(certificate))"
  case .putIncoming(let incoming): "incoming \(text(incoming.reference))"
  case .markClaimed(let references): "claimed \(references.map(text))"
  case .setRemembersAll(let remembers): "remembers \(remembers)"
  }
}
