public import Kernel
public import Mesh

/// A validator or a wallet: the two machines of MESH as one, for one simulated world.
///
/// It adds nothing of its own: inputs and effects pass through. Exactly one of the two is there.
public struct MeshNode: Machine {
  public typealias Identity = MeshPeer
  public typealias Message = Verified<MeshMessage>

  public enum Command: Sendable {
    case validator(MeshValidator.Command)
    case wallet(MeshWallet.Command)
  }

  public enum Reply: Sendable {
    case validator(MeshValidator.Reply)
    case wallet(MeshWallet.Reply)
  }

  public enum Timer: Hashable, Sendable {
    case validator(MeshValidator.Timer)
    case wallet(MeshWallet.Timer)
  }

  public enum Change: Sendable {
    case validator(LedgerChange)
    case wallet(WalletChange)
  }

  public enum Event: Sendable {
    case validator(MeshValidator.Event)
    case wallet(MeshWallet.Event)
  }

  public enum Job: Computation {
    case check(ProofCheck, ProofVerdicts)
    case build(TransitionBuild)

    public enum Output: Sendable {
      case verdicts([Bool])
      case built(Result<TransitionPlan.Built, PlanFailure>)
    }

    public func run() -> Output {
      switch self {
      case .check(let check, let known): .verdicts(known.run(check))
      case .build(let build): .built(build.run())
      }
    }
  }

  public private(set) var validator: MeshValidator?
  public private(set) var wallet: MeshWallet?
  private let verdicts: ProofVerdicts

  /// For commands that nobody waits for: their replies are dropped.
  static let nobody = RequestID(.max)

  init(_ validator: MeshValidator, _ verdicts: ProofVerdicts) {
    self.validator = validator
    self.verdicts = verdicts
  }

  init(_ wallet: MeshWallet, _ verdicts: ProofVerdicts) {
    self.wallet = wallet
    self.verdicts = verdicts
  }

  public mutating func handle(_ input: Input<Self>, now: Instant) -> [Effect<Self>] {
    // The machines stay where they are: a copy would copy their tables.
    if validator != nil {
      guard let input = input.forValidator else { preconditionFailure("not for a validator") }
      let effects = validator?.handle(input, now: now) ?? []
      return effects.compactMap { converted($0) }
    }
    guard let input = input.forWallet else { preconditionFailure("not for a wallet") }
    let effects = wallet?.handle(input, now: now) ?? []
    return effects.compactMap { converted($0) }
  }

  private func converted(_ effect: Effect<MeshValidator>) -> Effect<Self>? {
    switch effect {
    case .persist(let change): .persist(.validator(change))
    case .send(let message, let peer): .send(message, to: peer)
    case .broadcast(let message, let peers): .broadcast(message, to: peers)
    case .disconnect(let peer, let reason): .disconnect(peer, reason)
    case .setTimer(let timer, let duration): .setTimer(.validator(timer), after: duration)
    case .cancelTimer(let timer): .cancelTimer(.validator(timer))
    case .start(let check, let id): .start(.check(check, verdicts), id)
    case .reply(let reply, let id): id == Self.nobody ? nil : .reply(.validator(reply), id)
    case .report(let event): .report(.validator(event))
    }
  }

  private func converted(_ effect: Effect<MeshWallet>) -> Effect<Self>? {
    switch effect {
    case .persist(let change): .persist(.wallet(change))
    case .send(let message, let peer): .send(message, to: peer)
    case .broadcast(let message, let peers): .broadcast(message, to: peers)
    case .disconnect(let peer, let reason): .disconnect(peer, reason)
    case .setTimer(let timer, let duration): .setTimer(.wallet(timer), after: duration)
    case .cancelTimer(let timer): .cancelTimer(.wallet(timer))
    case .start(let build, let id): .start(.build(build), id)
    case .reply(let reply, let id): id == Self.nobody ? nil : .reply(.wallet(reply), id)
    case .report(let event): .report(.wallet(event))
    }
  }
}

extension Input<MeshNode> {
  fileprivate var forValidator: Input<MeshValidator>? {
    switch self {
    case .connected(let peer, let identity): .connected(peer, identity)
    case .disconnected(let peer): .disconnected(peer)
    case .received(let message, let peer): .received(message, from: peer)
    case .submitted(.validator(let command), let id): .submitted(command, id)
    case .fired(.validator(let timer)): .fired(timer)
    case .finished(.verdicts(let verdicts), let id): .finished(verdicts, id)
    case .submitted(.wallet, _), .fired(.wallet), .finished(.built, _): nil
    }
  }

  fileprivate var forWallet: Input<MeshWallet>? {
    switch self {
    case .connected(let peer, .validator(let index)): .connected(peer, index)
    case .disconnected(let peer): .disconnected(peer)
    case .received(let message, let peer): .received(message, from: peer)
    case .submitted(.wallet(let command), let id): .submitted(command, id)
    case .fired(.wallet(let timer)): .fired(timer)
    case .finished(.built(let result), let id): .finished(result, id)
    case .connected(_, .wallet), .submitted(.validator, _), .fired(.validator),
      .finished(.verdicts, _):
      nil
    }
  }
}

/// What a node has on disk.
public struct MeshDisk {
  /// Whose it is.
  let node: Int
  /// Of a validator; empty for a wallet.
  public internal(set) var store = MemoryStore()
  /// Nil for a validator.
  public internal(set) var wallet: WalletState?
  /// A validator that lost its database votes no more.
  public internal(set) var isForgetful = false

  init(of node: Int) { self.node = node }

  mutating func apply(_ change: MeshNode.Change) {
    switch change {
    case .validator(let change): store.apply(change)
    case .wallet(let change): wallet?.apply(change)
    }
  }
}
