import EdDSA
import Kernel
import Mesh
import Simulation

/// How a Byzantine validator lies.
enum Lie: CaseIterable {
  /// Never says anything.
  case silence
  /// Votes for whatever it is asked to, in any ballot, and reports no vote when it acknowledges one.
  case accomplice
  /// Refuses everything, always by the same rule.
  case refusal
  /// Each answer is one of the others by chance, or garbage, or late by a while, or none.
  case wild
  /// Answers with what it said before, from an early state.
  case stale
}

/// A validator that lies.
///
/// It runs an honest machine and says something else. What it forges passes the same check as
/// everything that comes over a network, or is lost there: garbage is silence.
struct ByzantineValidator {
  private let cast: Cast
  private let node: Int
  private let memory = Memory()
  private let refusal: TransitionRejection

  init(_ cast: Cast, _ node: Int, using random: inout SplitMix64) {
    self.cast = cast
    self.node = node
    let codes: [TransitionRejection] = [
      .alreadySettled, .sequenceAhead, .wrongPredecessor, .conflict, .ballotSuperseded,
      .badJustification, .unknownOutput, .alreadyClaimed, .notBalanced, .proofInvalid,
    ]
    refusal = codes.drawn(using: &random)
  }

  /// What it has heard and said.
  private final class Memory {
    var transitions: [Slot: [Transition]] = [:]
    /// Requests that were answered with a forgery: the machine's own answer is kept back.
    var answered: Set<Question> = []
    /// The first messages of each type to each node.
    var early: [Topic: Response] = [:]

    func note(_ transition: Transition) {
      let known = transitions[transition.slot] ?? []
      if !known.contains(where: { $0.hash == transition.hash }) {
        transitions[transition.slot] = (known + [transition]).sorted { $0.hash < $1.hash }
      }
    }
  }

  private struct Question: Hashable {
    let from: Int
    let exchange: Exchange
  }

  private struct Topic: Hashable {
    let to: Int
    let type: MessageType
  }

  func behaviour(_ lie: Lie) -> Byzantine<MeshNode> {
    switch lie {
    case .silence: .silent
    case .accomplice:
      Byzantine(outgoing: { message, to, _ in own(message, to) }) { message, from, _ in
        answers(message, from) { request, _ in accomplice(request) }
      }
    case .refusal:
      Byzantine(outgoing: { message, to, _ in own(message, to) }) { message, from, _ in
        answers(message, from) { request, _ in refuse(request, refusal) }
      }
    case .wild:
      Byzantine(outgoing: { message, to, random in wild(message, to, &random) }) {
        message,
        from,
        random in
        answers(message, from) { request, slot in wild(request, slot, &random) }
      }
    case .stale:
      Byzantine(outgoing: { message, to, _ in stale(message, to) })
    }
  }

  // MARK: Answers

  /// Forged answers to a request, if there are any to give.
  private func answers(
    _ message: MeshNode.Message,
    _ from: Int,
    _ forge: (Request, Slot?) -> Response?
  ) -> [(to: Int, MeshNode.Message)] {
    guard case .request(let request, let exchange) = message.value else { return [] }
    if case .vote(let vote) = request, case .transition(let transition) = vote.submission {
      memory.note(transition)
    }
    if case .settle(let certificate) = request, let transition = certificate.transition {
      memory.note(transition)
    }
    guard let response = forge(request, request.slot) else { return [] }
    memory.answered.insert(Question(from: from, exchange: exchange))
    return sendable(.response(response, exchange)).map { (from, $0) }
  }

  /// The honest machine's word, where none was forged.
  private func own(_ message: MeshNode.Message, _ to: Int) -> [MeshNode.Message] {
    if case .response(_, let exchange) = message.value,
      memory.answered.contains(Question(from: to, exchange: exchange))
    {
      return []
    }
    return [message]
  }

  private func sendable(_ message: MeshMessage) -> [MeshNode.Message] {
    var checker = StatelessChecker(cast.genesis)
    var random = SplitMix64(seed: 1)
    switch checker.check([message], using: &random)[0] {
    case .success(let checked): return [checked]
    case .failure: return []
    }
  }

  private func accomplice(_ request: Request) -> Response? {
    switch request {
    case .vote(let request):
      guard case .transition(let transition) = request.submission else { return nil }
      return .vote(vote(for: transition, in: request.ballot))
    case .ballot(let request): return .ballot(ack(request, reporting: []))
    default: return nil
    }
  }

  private func refuse(_ request: Request, _ code: TransitionRejection) -> Response? {
    switch request {
    case .vote(let request):
      guard case .transition(let transition) = request.submission else { return nil }
      return .reject(
        VoteReject(
          transition: transition.hash,
          code: code,
          nextSequence: transition.body.sequence
        )
      )
    case .ballot(let request):
      return .reject(
        VoteReject(
          transition: TransitionHash(.zero),
          code: code,
          nextSequence: request.slot.sequence
        )
      )
    default: return nil
    }
  }

  // MARK: Wild

  private func wild(
    _ request: Request,
    _ slot: Slot?,
    _ random: inout SplitMix64
  ) -> Response? {
    let known = slot.flatMap { memory.transitions[$0] } ?? []
    switch request {
    case .vote(let request):
      guard case .transition(let transition) = request.submission else { return nil }
      switch random.below(8) {
      case 0: return .vote(vote(for: transition, in: request.ballot))
      case 1: return .vote(vote(for: known.drawn(using: &random), in: request.ballot))
      case 2: return .vote(vote(for: transition, in: Ballot(UInt32(random.below(3)))))
      case 3: return .vote(garbled(vote(for: transition, in: request.ballot)))
      case 4:
        return refuse(.vote(request), TransitionRejection.allCases.drawn(using: &random))
      default: return nil
      }
    case .ballot(let request):
      switch random.below(4) {
      case 0: return .ballot(ack(request, reporting: []))
      case 1: return .ballot(ack(request, reporting: known))
      case 2:
        return refuse(.ballot(request), TransitionRejection.allCases.drawn(using: &random))
      default: return nil
      }
    case .settle(let certificate):
      guard random.below(3) == 0 else { return nil }
      let status: CertificateAck.Status = [.applied, .already, .buffered].drawn(using: &random)
      return .settled(CertificateAck(transition: certificate.hash, status: status, logIndex: 1))
    case .account(let query):
      guard random.below(2) == 0 else { return nil }
      let sequence = SequenceNumber(UInt64(random.below(4)))
      let state = AccountState(
        account: query.account,
        nextSequence: sequence,
        head: query.account.origin(on: cast.genesis.id),
        balance: .identity
      )
      let slots = Slot(account: query.account, sequence: sequence)
      let pending = (memory.transitions[slots] ?? []).map {
        AccountInfo.Pending(ballot: Ballot(UInt32(random.below(3))), transition: $0)
      }
      return .account(AccountInfo(state: state, certificate: nil, pending: pending))
    case .sync(let request):
      guard random.below(3) == 0 else { return nil }
      return .sync(SyncResponse(first: request.from, head: .max, certificates: []))
    case .log(let request):
      guard random.below(3) == 0 else { return nil }
      // Of a log that it cannot show.
      let hashes = (0..<random.below(3)).map { _ in
        TransitionHash(
          Bytes32(words: (random.next(), random.next(), random.next(), random.next()))
        )
      }
      return .log(LogHashes(first: request.from, head: .max, hashes: hashes))
    case .certificate: return random.below(3) == 0 ? .notFound : nil
    case .outputs, .gap, .digest, .network, .subscribe, .equivocation, .validatorEquivocation:
      return nil
    }
  }

  private func wild(
    _ message: MeshNode.Message,
    _ to: Int,
    _ random: inout SplitMix64
  ) -> [MeshNode.Message] {
    let own = own(message, to)
    switch (random.below(8), message.value) {
    case (0, _): return []
    case (1, _): return own + stale(message, to)
    case (2, .pong(let pong)):
      return sendable(.pong(Pong(ping: pong.ping, logHead: .max)))
    case (2...4, .response(.outputs(let page), let exchange)):
      let rows = page.rows.map { row in
        OutputsPage.Row(
          index: row.index + UInt64(random.below(2)),
          reference: row.reference,
          source: row.source,
          asset: row.asset,
          isClaimed: random.below(2) == 0,
          output: row.output
        )
      }
      return sendable(.response(.outputs(OutputsPage(rows: rows, hasMore: false)), exchange))
    default: return own
    }
  }

  // MARK: Stale

  private func stale(_ message: MeshNode.Message, _ to: Int) -> [MeshNode.Message] {
    guard case .response(let response, let exchange) = message.value else { return [message] }
    let topic = Topic(to: to, type: response.type)
    guard let early = memory.early[topic] else {
      memory.early[topic] = response
      return [message]
    }
    return sendable(.response(early, exchange))
  }

  // MARK: Forgeries

  private var key: SecretKey { cast.validatorKeys[node] }
  private var index: ValidatorIndex { ValidatorIndex(UInt16(node)) }

  private func vote(for transition: Transition, in ballot: Ballot) -> ValidatorVote {
    .signed(
      by: key,
      as: index,
      ballot: ballot,
      epoch: .zero,
      slot: transition.slot,
      transition: transition.hash,
      on: cast.genesis.id
    )
  }

  /// The same vote under the name of another validator.
  private func garbled(_ vote: ValidatorVote) -> ValidatorVote {
    ValidatorVote(
      validator: ValidatorIndex(UInt16((node + 1) % cast.validatorCount)),
      ballot: vote.ballot,
      epoch: vote.epoch,
      slot: vote.slot,
      transition: vote.transition,
      signature: vote.signature
    )
  }

  private func ack(_ request: BallotRequest, reporting transitions: [Transition]) -> BallotAck {
    .signed(
      by: key,
      as: index,
      epoch: .zero,
      slot: request.slot,
      ballot: request.ballot,
      transitions: Array(transitions.prefix(Limits.reports)),
      on: cast.genesis.id
    )
  }
}

extension Request {
  /// Which slot it is about, if it is about one.
  fileprivate var slot: Slot? {
    switch self {
    case .vote(let request):
      if case .transition(let transition) = request.submission { transition.slot } else { nil }
    case .ballot(let request): request.slot
    case .settle(let certificate): certificate.slot
    case .equivocation, .validatorEquivocation, .account, .certificate, .outputs, .network,
      .subscribe, .sync, .gap, .log, .digest:
      nil
    }
  }
}
