import Kernel

/// Looking for settled transitions by name: one that pays this account, or the account's own past.
extension MeshWallet {
  /// One transition that somebody waits for.
  struct Search: Sendable {
    let hash: TransitionHash
    let request: RequestID
    var questions: Set<Exchange> = []
    /// Who does not know it.
    var denials: Set<ValidatorIndex> = []
  }

  /// What is missing of the past.
  struct HistoryFetch: Sendable {
    let request: RequestID
    /// The next question goes to the next of the validators, lest one of them keep the past from us.
    var turn = 0
    /// Questions without an answer.
    var open = 0
    /// Rounds in which nothing came.
    var idleRounds = 0
    var hasAdvanced = false
  }

  // MARK: One payment

  mutating func receive(from source: TransitionHash, _ request: RequestID) {
    guard configuration.keys.spending != nil else { return fail(.watchOnly, request) }
    let outputs = state.incoming.filter { $0.reference.source == source }
    if !outputs.isEmpty {
      guard outputs.contains(where: { !state.claimed.contains($0.reference) }) else {
        return fail(.alreadyReceived(source), request)
      }
      return plan([], request, from: source)
    }
    guard search == nil else { return fail(.busy, request) }
    search = Search(hash: source, request: request)
    for peer in peers { repeatSearch(at: peer.id) }
    effects.append(.setTimer(.retry, after: Self.retryInterval))
  }

  mutating func repeatSearch(at peer: PeerID) {
    guard let hash = search?.hash else { return }
    let exchange = ask(.certificate(.hash(hash)), of: peer)
    search?.questions.insert(exchange)
  }

  /// A validator does not know the certificate that was asked for.
  mutating func noteMissing(_ exchange: Exchange, at validator: ValidatorIndex) {
    guard var search, search.questions.remove(exchange) != nil else { return }
    search.denials.insert(validator)
    self.search = search
    // What is settled a quorum knows, so that any quorum has an honest one that does.
    guard search.denials.count >= validators.quorum else { return }
    self.search = nil
    fail(.noSuchPayment(search.hash), search.request)
  }

  // MARK: The past

  mutating func completeHistory(_ request: RequestID) {
    guard history == nil else { return fail(.busy, request) }
    guard configuration.keys.full != nil, !missing.isEmpty else {
      return effects.append(.reply(.synced, request))
    }
    history = HistoryFetch(request: request)
    askForMissing()
  }

  /// The newest first: own transitions, and those whose outputs they claimed.
  private var missing: [CertificateQuery] {
    var missing: [CertificateQuery] = []
    var sources: Set<TransitionHash> = []
    var sequence = state.nextSequence
    while let previous = sequence.previous, missing.count < Self.fetchesMax {
      sequence = previous
      guard let certificate = state.certificates[sequence] else {
        missing.append(.slot(Slot(account: configuration.keys.account, sequence: sequence)))
        continue
      }
      for claim in certificate.signed.body.claims
      where !state.knows(claim) && sources.insert(claim.source).inserted {
        missing.append(.hash(claim.source))
      }
    }
    return missing
  }

  private mutating func askForMissing() {
    guard let turn = history?.turn else { return }
    effects.append(.setTimer(.retry, after: Self.retryInterval))
    guard !peers.isEmpty else { return }
    let queries = missing.prefix(Self.fetchesMax)
    history?.turn += 1
    history?.open = queries.count
    for (place, query) in queries.enumerated() {
      ask(.certificate(query), of: peers[(place + turn) % peers.count].id)
    }
  }

  /// A second has passed.
  mutating func retryFetches() {
    for peer in peers { repeatSearch(at: peer.id) }
    guard var fetch = history else { return }
    fetch.idleRounds = fetch.hasAdvanced ? 0 : fetch.idleRounds + 1
    fetch.hasAdvanced = false
    history = fetch
    // Each question has been put to each validator, and each may have been slow once.
    if fetch.idleRounds > 2 * validators.count || missing.isEmpty { return endHistory() }
    askForMissing()
  }

  /// Called for every certificate that was asked for.
  mutating func noteFetched(_ certificate: SettlementCertificate) {
    if let search, search.hash == certificate.hash {
      self.search = nil
      plan([], search.request, from: certificate.hash)
    }
    guard var fetch = history else { return }
    fetch.hasAdvanced = true
    fetch.open -= 1
    history = fetch
    guard fetch.open <= 0 else { return }
    if missing.isEmpty { endHistory() } else { askForMissing() }
  }

  private mutating func endHistory() {
    guard let fetch = history.take() else { return }
    effects.append(.reply(.synced, fetch.request))
  }
}
