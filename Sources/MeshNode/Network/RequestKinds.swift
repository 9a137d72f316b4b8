import Mesh

extension Request {
  /// What comes back on the stream.
  enum Answering: Equatable {
    /// Nothing: it is news.
    case none
    case one
    /// One after the other, at most so many.
    case several(Int)
    /// For as long as the connection lasts.
    case endless
  }

  var answering: Answering {
    switch self {
    case .equivocation, .validatorEquivocation: .none
    case .vote, .settle, .ballot, .account, .certificate, .outputs, .network, .log, .digest: .one
    // The whole log, in frames of a megabyte, would come for ever from who means ill.
    case .sync, .gap: .several(16)
    case .subscribe: .endless
    }
  }

  /// Whether wallets have no business to ask it.
  var isForValidators: Bool {
    switch self {
    case .equivocation, .validatorEquivocation, .sync, .gap, .log: true
    case .vote, .settle, .ballot, .account, .certificate, .outputs, .network, .subscribe, .digest:
      false
    }
  }

  /// Whether it is an answer to this at all; anything else ends the connection.
  func accepts(_ response: Response) -> Bool {
    switch (self, response) {
    case (_, .error), (.vote, .vote), (.vote, .reject), (.settle, .settled), (.ballot, .ballot),
      (.ballot, .reject), (.ballot, .certificate), (.account, .account), (.account, .notFound),
      (.certificate, .certificate), (.certificate, .notFound), (.outputs, .outputs),
      (.network, .network), (.subscribe, .event), (.sync, .sync), (.gap, .sync),
      (.log, .log),
      (.digest, .digest):
      true
    default: false
    }
  }

  /// What a host's share of votes or certificates is charged for it; nil for what is cheap.
  var charge: HostShares.Charge? {
    switch self {
    case .vote, .ballot: .vote
    case .settle: .certificate
    case .equivocation, .validatorEquivocation, .account, .certificate, .outputs, .network,
      .subscribe, .sync, .gap, .log, .digest:
      nil
    }
  }
}
