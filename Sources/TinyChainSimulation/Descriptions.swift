import Kernel
import Simulation
import TinyChain
import TinyChainPeers

extension Descriptions<PeerMachine> {
  /// Short texts; ids by their first eight digits.
  static var tinychain: Self {
    var texts = Self()
    texts.message = { message in
      switch message {
      case .request(let request, let number): "\(text(request))?\(number)"
      case .answer(let answer, let number): "\(text(answer))!\(number)"
      case .unanswered(let number): "unanswered \(number)"
      case .unreadable: "unreadable"
      }
    }
    texts.command = { command in
      switch command {
      case .submit(let transaction): "submit \(short(transaction.id))"
      case .mined(let block): "mined \(text(block.header))"
      default: "command"
      }
    }
    texts.reply = { reply in
      switch reply {
      case .submitted(let id): "submitted \(short(id))"
      case .mined(let id): "mined \(short(id))"
      case .catchingUp(let height): "catching up to \(height)"
      case .rejected(let reason): "rejected \(reason)"
      default: "reply"
      }
    }
    texts.change = { $0.operations.map(text).joined(separator: " + ") }
    texts.job = { job in
      switch job {
      case .go: "execution"
      case .check(let transactions, _): "check of \(transactions.count)"
      case .draft: "draft"
      }
    }
    texts.output = { output in
      switch output {
      case .arrived: "executed"
      case .checked(let results, _): "checked \(results.count)"
      case .drafted: "drafted"
      }
    }
    texts.event = { event in
      switch event {
      case .tipChanged(let header, let undone): "tip \(text(header)), \(undone) undone"
      case .poolChanged(let count): "pool \(count)"
      case .invalid(let id, let reason): "invalid \(short(id)): \(reason)"
      case .banned(let address, _): "banned \(address)"
      case .misbehaved(let peer, let reason): "\(peer) \(reason)"
      case .dial(let address): "dial \(address)"
      case .caughtUp(let header): "caught up at \(text(header))"
      }
    }
    return texts
  }
}

private func text(_ header: Header) -> String { "\(short(header.id)) at \(header.height)" }

private func text(_ request: PeerRequest) -> String {
  switch request {
  case .hello(let hello): "hello \(short(hello.tip))"
  case .headers(let locator): "headers after \(locator.first.map(short) ?? "")"
  case .bodies(let ids): "bodies \(ids.map(short))"
  case .short(let block): "short \(text(block.header)) of \(block.ids.count)"
  case .complete(let id, let transactions): "complete \(short(id)) by \(transactions.count)"
  case .offer(let ids): "offer \(ids.map(short))"
  case .push(let transactions): "push \(transactions.count)"
  case .fetch(let ids): "fetch \(ids.map(short))"
  case .list: "list"
  case .peers: "peers"
  }
}

private func text(_ answer: PeerAnswer) -> String {
  switch answer {
  case .hello(let hello): "hello \(short(hello.tip))"
  case .headers(let headers): "headers \(headers.count) to \(headers.last.map(text) ?? "")"
  case .bodies(let bodies): "bodies \(bodies.map { $0?.count ?? -1 })"
  case .missing(let indices): "missing \(indices)"
  case .ids(let ids): "ids \(ids.map(short))"
  case .transactions(let transactions): "transactions \(transactions.count)"
  case .addresses(let addresses): "addresses \(addresses.count)"
  case .done: "done"
  case .busy: "busy"
  }
}

private func text(_ operation: NodeChange.Operation) -> String {
  switch operation {
  case .headers(let entries): "headers to \(entries.last.map { text($0.header) } ?? "")"
  case .best(let id): "best \(short(id))"
  case .body(let id, _): "body \(short(id))"
  case .moved(let undone, let applied):
    "back \(undone.map(short)) on \(applied.map { short($0.id) })"
  case .invalid(let id): "invalid \(short(id))"
  case .pooled(let transactions): "pooled \(transactions.map { short($0.id) })"
  case .unpooled(let ids): "unpooled \(ids.map(short))"
  case .banned(let ban, _): "banned \(ban.subject.host)"
  case .addresses(let addresses): "addresses \(addresses.count)"
  }
}
