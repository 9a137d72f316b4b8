import EdDSA
import Kernel

/// Checks what peers say as far as it can be checked without the ledger: work and signatures.
///
/// The only place where messages of others become `Verified`. It runs outside the machine, on
/// whatever several peers have sent by now: all their signatures go into one batch, at less than
/// half the price of one by one.
public struct StatelessChecker: Sendable {
  private let parameters: NetworkParameters

  public init(_ parameters: NetworkParameters) {
    self.parameters = parameters
  }

  /// Checks messages, in any mixture and from any number of peers.
  ///
  /// A message that holds several signatures is good if all of them are.
  ///
  /// - Parameters:
  ///   - messages: decoded, of the network given to the initialiser.
  ///   - generator: see `SignatureBatch.verify(using:)`; unpredictable to peers.
  /// - Returns: for each message, in order, what the machine may be told, or what is wrong with it.
  public func check(
    _ messages: [WireMessage],
    using generator: inout some RandomNumberGenerator
  ) -> [Result<PeerMessage, CheckFailure>] {
    var batch = SignatureBatch(capacity: messages.count)
    let claims = messages.map { message in
      let start = batch.count
      let failure = failureWithoutSignatures(of: message)
      if failure == nil { append(signaturesOf: message, to: &batch) }
      return Claim(message: message, failure: failure, signatures: start..<batch.count)
    }
    let valid = batch.isEmpty ? [] : batch.verify(using: &generator)
    return claims.map { claim in
      if let failure = claim.failure { return .failure(failure) }
      guard valid[claim.signatures].allSatisfy({ $0 }) else {
        return .failure(signatureFailure(of: claim.message))
      }
      return checked(claim.message)
    }
  }

  /// A message with its share of the batch.
  private struct Claim {
    let message: WireMessage
    let failure: CheckFailure?
    let signatures: Range<Int>
  }

  private func failureWithoutSignatures(of message: WireMessage) -> CheckFailure? {
    switch message {
    case .publish(let block):
      failure(of: block)
    case .pullResponse(let response):
      response.blocks.lazy.compactMap(failure(of:)).first
    case .handshake, .handshakeAck, .keepalive, .telemetryRequest, .telemetry:
      .notForTheMachine(message.type)
    case .vote, .pullRequest, .frontierRequest, .frontierResponse, .confirmRequest,
      .blockRequest, .representativeHello, .receivablesRequest, .receivablesResponse:
      nil
    }
  }

  /// The stateless rules for blocks, cheapest first; the signature is left to the batch.
  private func failure(of block: Block) -> CheckFailure? {
    guard !isGenesis(block) else { return nil }
    return block.statelessRejection(parameters: parameters).map { .block($0) }
  }

  /// Genesis is confirmed by definition: it has neither work nor a signature.
  private func isGenesis(_ block: Block) -> Bool { block == parameters.genesisBlock }

  private func append(signaturesOf message: WireMessage, to batch: inout SignatureBatch) {
    let chain = parameters.chainID
    switch message {
    case .publish(let block):
      append(block, to: &batch)
    case .pullResponse(let response):
      for block in response.blocks { append(block, to: &batch) }
    case .vote(let vote):
      batch.append(vote.signature, of: vote.digest(on: chain).bytes, by: vote.representative.key)
    case .representativeHello(let hello):
      let digest = hello.digest(on: chain)
      batch.append(hello.signature, of: digest.bytes, by: hello.representative.key)
    case .handshake, .handshakeAck, .keepalive, .telemetryRequest, .telemetry, .pullRequest,
      .frontierRequest, .frontierResponse, .confirmRequest, .blockRequest, .receivablesRequest,
      .receivablesResponse:
      break
    }
  }

  private func append(_ block: Block, to batch: inout SignatureBatch) {
    guard !isGenesis(block) else { return }
    batch.append(block.signature, of: block.hash.bytes.bytes, by: block.account.key)
  }

  private func signatureFailure(of message: WireMessage) -> CheckFailure {
    switch message {
    case .publish, .pullResponse: .block(.badSignature)
    default: .badSignature(message.type)
    }
  }

  /// Called when the rules and every signature of the message have passed.
  private func checked(_ message: WireMessage) -> Result<PeerMessage, CheckFailure> {
    switch message {
    case .publish(let block): .success(.publish(Verified(checked: block)))
    case .vote(let vote): .success(.vote(Verified(checked: vote)))
    case .confirmRequest(let targets): .success(.confirmRequest(targets))
    case .blockRequest(let hashes): .success(.blockRequest(hashes))
    case .representativeHello(let hello): .success(.hello(Verified(checked: hello)))
    case .pullRequest(let request): .success(.pullRequest(request))
    case .pullResponse(let response):
      .success(
        .pullResponse(
          PullResponse(
            account: response.account,
            firstHeld: response.firstHeld,
            head: response.head,
            blocks: response.blocks.map { Verified(checked: $0) }
          )
        )
      )
    case .frontierRequest(let request): .success(.frontierRequest(request))
    case .frontierResponse(let frontiers): .success(.frontierResponse(frontiers))
    case .receivablesRequest(let request): .success(.receivablesRequest(request))
    case .receivablesResponse(let entries): .success(.receivablesResponse(entries))
    case .handshake, .handshakeAck, .keepalive, .telemetryRequest, .telemetry:
      .failure(.notForTheMachine(message.type))
    }
  }
}

/// Why a message does not reach the machine.
public enum CheckFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// Of a published block, or of the first bad one in a pull response.
  case block(BlockRejection)
  case badSignature(MessageType)
  /// A message of the connection itself; its owner has no business here with it.
  case notForTheMachine(MessageType)

  public enum Blame: Hashable, Sendable {
    /// The peer it came from: an honest node relays nothing that it has not checked itself. Its
    /// connection is to be closed.
    case sender
    /// This node's own code.
    case caller
  }

  public var blame: Blame {
    switch self {
    case .block, .badSignature: .sender
    case .notForTheMachine: .caller
    }
  }

  public var description: String {
    switch self {
    case .block(let rejection): "a block breaks a rule: \(rejection)"
    case .badSignature(let type): "the signature of a \(type) message is not valid"
    case .notForTheMachine(let type): "a \(type) message is not for the ledger"
    }
  }
}
