public import Kernel

/// Checks what others say as far as it can be checked without state: rules 1 to 3, votes,
/// certificates and evidence.
///
/// The only place where messages of others become `Verified`. It runs outside the machine, on
/// whatever several peers have sent by now: all their signatures go into one batch. A value: each
/// worker has its own, with its own memory of what it checked.
public struct StatelessChecker: Sendable {
  private let genesis: Genesis
  private var memory = CheckMemory()

  public init(_ genesis: Genesis) {
    self.genesis = genesis
  }

  /// Checks messages, in any mixture and from any number of peers.
  ///
  /// A message that holds several signatures is good if all of them are, with one exception: what a
  /// vote request brings along. Bad dependencies and ballot acks are left out, and a transition that
  /// breaks a rule becomes a refused one, for the validator to answer with the rule's code.
  ///
  /// - Parameters:
  ///   - messages: decoded.
  ///   - generator: see `SignatureBatch.verify(using:)`; unpredictable to peers.
  /// - Returns: for each message, in order, what the machine may be told, or what is wrong with it.
  public mutating func check(
    _ messages: [MeshMessage],
    using generator: inout some RandomNumberGenerator
  ) -> [Result<Verified<MeshMessage>, CheckFailure>] {
    var check = SignatureCheck(genesis: genesis, memory: memory)
    // The check has it alone meanwhile: of two owners one would copy it.
    memory = CheckMemory()
    let parts = messages.map { Self.parts(of: $0, in: &check) }
    let verdict = check.verdict(using: &generator)
    memory = verdict.memory
    return zip(messages, parts).map { message, parts in
      let failures = parts.map { part -> CheckFailure? in
        switch part {
        case .failed(let failure): return failure
        case .signatures(let range, let owners):
          guard verdict.accepted[owners].allSatisfy({ $0 }) else {
            return .transition(.unacceptableKey)
          }
          return verdict.valid[range].allSatisfy { $0 } ? nil : .badSignature(message.type)
        }
      }
      return Self.checked(message, failures)
    }
  }

  /// Checks one certificate: a receipt, for example.
  ///
  /// - Returns: what is wrong with it; nil if it is final.
  public mutating func failure(
    of certificate: SettlementCertificate,
    using generator: inout some RandomNumberGenerator
  ) -> CheckFailure? {
    let message = MeshMessage.response(.certificate(certificate), Exchange(0))
    switch check([message], using: &generator)[0] {
    case .success: return nil
    case .failure(let failure): return failure
    }
  }

  private static func parts(
    of message: MeshMessage,
    in check: inout SignatureCheck
  ) -> [SignatureCheck.Part] {
    switch message {
    case .request(let request, _): parts(of: request, in: &check)
    case .response(let response, _): parts(of: response, in: &check)
    case .ping, .pong: []
    }
  }

  private static func parts(
    of request: Request,
    in check: inout SignatureCheck
  ) -> [SignatureCheck.Part] {
    switch request {
    case .vote(let request):
      // Acks, dependencies, submission: `checked` takes them apart in this order.
      var parts = request.acks.map { check.part($0) }
      parts += request.dependencies.map { check.part($0) }
      if case .transition(let transition) = request.submission {
        parts.append(check.part(transition.signed))
      }
      return parts
    case .settle(let certificate): return [check.part(certificate)]
    case .equivocation(let proof): return [check.part(proof)]
    case .validatorEquivocation(let proof): return [check.part(proof)]
    case .ballot(let request): return [check.part(request)]
    case .account, .certificate, .outputs, .network, .subscribe, .sync, .gap, .log, .digest:
      return []
    }
  }

  private static func parts(
    of response: Response,
    in check: inout SignatureCheck
  ) -> [SignatureCheck.Part] {
    switch response {
    case .vote(let vote): return [check.part(vote)]
    case .reject(let reject):
      return reject.attachments.compactMap { attachment in
        switch attachment {
        case .equivocation(let proof): check.part(proof)
        case .certificate(let certificate): check.part(certificate)
        case .pending(let transition): check.part(transition.signed)
        case .outputs: nil
        }
      }
    case .ballot(let ack): return [check.part(ack)]
    case .account(let info):
      var parts = info.pending.map { check.part($0.transition.signed) }
      if let certificate = info.certificate { parts.append(check.part(certificate)) }
      return parts
    case .certificate(let certificate): return [check.part(certificate)]
    case .sync(let response): return response.certificates.map { check.part($0) }
    case .error, .settled, .outputs, .network, .event, .notFound, .log, .digest: return []
    }
  }

  /// Called when all signatures have been looked at.
  private static func checked(
    _ message: MeshMessage,
    _ failures: [CheckFailure?]
  ) -> Result<Verified<MeshMessage>, CheckFailure> {
    if case .request(.vote(let request), let exchange) = message {
      let checked = Self.checked(request, failures)
      return .success(Verified(checked: .request(.vote(checked), exchange)))
    }
    if let failure = failures.lazy.compactMap({ $0 }).first { return .failure(failure) }
    return .success(Verified(checked: message))
  }

  private static func checked(
    _ request: VoteRequest,
    _ failures: [CheckFailure?]
  ) -> VoteRequest {
    let dependencyStart = request.acks.count
    let submissionIndex = dependencyStart + request.dependencies.count
    var submission = request.submission
    if case .transition(let transition) = submission, let failure = failures[submissionIndex] {
      let code: TransitionRejection =
        if case .transition(let code) = failure { code } else { .badSignature }
      submission = .refused(code, bytes: transition.encoded)
    }
    return VoteRequest(
      ballot: request.ballot,
      acks: zip(request.acks, failures).filter { $1 == nil }.map(\.0),
      dependencies: zip(request.dependencies, failures[dependencyStart...])
        .filter { $1 == nil }.map(\.0),
      submission: submission
    )
  }
}

/// Why a message does not reach the machine; always the sender's fault.
public enum CheckFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// Of a transition that is carried in a message: a rule from 2 or 3.
  case transition(TransitionRejection)
  case badSignature(MessageType)
  case unknownEpoch
  case unknownValidator
  case noQuorum

  public var description: String {
    switch self {
    case .transition(let rejection): "a transition breaks rule \(rejection.rawValue): \(rejection)"
    case .badSignature(let type): "a signature in a \(type) message is not valid"
    case .unknownEpoch: "signed in an epoch that there is not"
    case .unknownValidator: "signed by a validator that there is not"
    case .noQuorum: "a certificate of fewer than a quorum"
    }
  }
}
