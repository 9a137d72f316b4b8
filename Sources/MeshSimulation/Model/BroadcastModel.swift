import Kernel
import Mesh

/// What the model leaves out of the protocol, to see that it would be found.
public enum ModelMutant: String, Sendable, CaseIterable {
  /// Validators take higher ballots for justified without acks.
  case noJustification
  /// Validators forget locks and promises in a crash.
  case volatileLocks
  /// The wallet leaves a ballot when one validator says that it must.
  case credulousWallet
  /// A restored wallet signs in ballot 0 when nobody reports a transition.
  case trustfulWallet
  /// The wallet's ballot, and what justifies it, do not outlive a crash.
  case volatileBallot
}

/// Every state that broadcast and recovery ballots can come to, within bounds: n = 4.
///
/// - Three honest validators are real `Ledger`s: their rules are run, not described. One is Byzantine:
///   it votes for anything, and acknowledges ballots with any report.
/// - One owner is Byzantine and asks anyone for anything its signatures allow. The other is honest,
///   claims what a certificate of the first gives it, and may lose its database; its wallet's decisions
///   are written down in `ModelWallet`.
/// - Nothing that was sent is ever lost for the adversary: each message arrives never, once or often,
///   at any later time. A certificate is there as soon as two honest validators have voted for it in one
///   ballot, the Byzantine one being the third.
///
/// Validators are interchangeable: states that differ in their order are one.
public struct BroadcastModel {
  public struct Bounds: Sendable {
    /// The highest ballot of the Byzantine owner, at most 3.
    public var byzantineBallots: Int
    /// The highest ballot of the honest owner, at most 3; nil: it takes no part.
    public var honestBallots: Int?
    /// How often the honest wallet loses its database, at most 1: a second loss in one slot may block
    /// it.
    public var losses = 1

    public init(byzantineBallots: Int, honestBallots: Int?) {
      precondition((0...ModelValues.ballotMax).contains(byzantineBallots))
      precondition((0...ModelValues.ballotMax).contains(honestBallots ?? 0))
      self.byzantineBallots = byzantineBallots
      self.honestBallots = honestBallots
    }
  }

  public struct Result: Sendable {
    public let states: Int
    /// Of one honest validator.
    public let validatorStates: Int
    /// Steps from one state to another.
    public let transitions: Int
    /// What is broken, and the steps that lead there; nil if nothing is.
    public let violation: (text: String, trace: [String])?
    /// Whether there were more states than were looked at.
    public let isCut: Bool
  }

  private enum Step {
    case validator(Int, ModelAction)
    case wallet(String)
  }

  private let bounds: Bounds
  private let mutant: ModelMutant?
  private var validators: ModelValidators
  private var states = StateTable()
  /// From these the honest slot gets settled.
  private var safe = StateTable()

  public init(_ bounds: Bounds, mutant: ModelMutant? = nil) {
    self.bounds = bounds
    self.mutant = mutant
    validators = ModelValidators(ModelValues(), mutant)
  }

  /// Explores, breadth first, so that a trace is as short as any.
  public mutating func run(statesMax: Int = .max) -> Result {
    let wallet = ModelWallet(lossesLeft: bounds.losses)
    states.insert(ModelState((0, 0, 0), wallet: wallet.packed))
    var transitions = 0
    var found: [(Step, ModelState)] = []
    var index = 0
    while index < states.count {
      guard states.count <= statesMax else { break }
      found.removeAll(keepingCapacity: true)
      successors(of: states[index], into: &found)
      transitions += found.count
      for (_, state) in found where states.insert(state, parent: index) {
        if let text = fault(in: state) {
          return result(transitions, violation: (text, trace(to: states.count - 1)))
        }
      }
      index += 1
    }
    return result(transitions, violation: nil, isCut: index < states.count)
  }

  private func result(
    _ transitions: Int,
    violation: (String, [String])?,
    isCut: Bool = false
  ) -> Result {
    Result(
      states: states.count,
      validatorStates: validators.count,
      transitions: transitions,
      violation: violation,
      isCut: isCut
    )
  }

  // MARK: What may happen

  private mutating func successors(
    of state: ModelState,
    into found: inout [(Step, ModelState)]
  ) {
    let certified = certified(in: state)
    let justified = justified(in: state)
    let wallet = ModelWallet(state.wallet)
    for place in 0..<3 {
      let id = state[place]
      // Equal validators have equal successors.
      if place > 0, state[place - 1] == id { continue }
      func perform(_ action: ModelAction, _ model: inout BroadcastModel) {
        if case .next(let next) = model.validators.perform(action, in: id) {
          found.append((.validator(place, action), state.replacing(place, by: next)))
        }
      }
      for ballot in 0...bounds.byzantineBallots {
        if ballot > 0 { perform(.promise(owner: 0, ballot: ballot), &self) }
        for value in 0..<2 {
          let isJustified = ballot > 0 && justified >> UInt32(4 * value + ballot) & 1 == 1
          perform(.vote(value, ballot: ballot, isJustified: isJustified), &self)
        }
      }
      for value in 0..<ModelValues.count where certified >> UInt32(4 * value) & 0xf != 0 {
        perform(.settle(value), &self)
      }
      if mutant == .volatileLocks { perform(.crash, &self) }
      guard let source = wallet.source else { continue }
      for ballot in 0...ModelValues.ballotMax {
        if wallet.ballotRequests >> UInt32(ballot) & 1 == 1 {
          perform(.promise(owner: 1, ballot: ballot), &self)
        }
        for value in 0..<2 where wallet.voteRequests >> UInt32(4 * value + ballot) & 1 == 1 {
          let action = ModelAction.vote(
            2 + 2 * source + value,
            ballot: ballot,
            isJustified: ballot > 0
          )
          perform(action, &self)
        }
      }
    }
    if let ballotMax = bounds.honestBallots {
      walletSteps(state, wallet, certified, ballotMax, into: &found)
    }
  }

  private mutating func walletSteps(
    _ state: ModelState,
    _ wallet: ModelWallet,
    _ certified: UInt32,
    _ ballotMax: Int,
    into found: inout [(Step, ModelState)]
  ) {
    func add(_ text: String, _ change: (inout ModelWallet) -> Void) {
      var next = wallet
      change(&next)
      guard next != wallet else { return }
      found.append((.wallet(text), ModelState(state.ids, wallet: next.packed)))
    }
    if wallet.lossesLeft > 0, wallet.source != nil {
      add("loses its database") { $0.loseDatabase() }
    }
    switch wallet.phase {
    case .idle where !wallet.isRestored:
      for source in 0..<2 where certified >> UInt32(4 * source) & 0xf != 0 {
        add("claims from a\(source), proposes b0 in ballot 0") {
          $0.source = source
          $0.propose(0, in: 0)
        }
      }
    case .idle:
      // The Byzantine validator shows any one that was signed.
      for value in 0..<2 where wallet.signed >> UInt32(value) & 1 == 1 {
        add("is shown b\(value), proposes it in ballot 0") { $0.propose(value, in: 0) }
      }
      if ballotMax > 0 { add("asks for ballot 1") { $0.recover(at: 1) } }
      if mutant == .trustfulWallet, reports(in: state, wallet).allSatisfy({ $0 == 0 }) {
        let value = wallet.signed & 1 == 0 ? 0 : 1
        add("is shown nothing, proposes b\(value) in ballot 0") { $0.propose(value, in: 0) }
      }
    case .collecting:
      let next = wallet.ballot + 1
      if next <= ballotMax, mutant == .credulousWallet || isBarred(wallet, in: state) {
        add("asks for ballot \(next)") { $0.recover(at: next) }
      }
      if mutant == .volatileBallot, let pending = wallet.pending {
        add("crashes, proposes b\(pending) in ballot 0") {
          $0.justified = 0
          $0.propose(pending, in: 0)
        }
      }
    case .recovering:
      let unions = unions(in: state, wallet)
      for reported in 0..<4 where unions >> UInt32(reported) & 1 == 1 {
        add("has acks for ballot \(wallet.ballot) that report \(Self.names[reported])") {
          $0.conclude(reported: reported)
        }
      }
      let next = 2 * wallet.ballot
      if next <= ballotMax, isBarred(wallet, in: state) {
        add("asks for ballot \(next)") { $0.recover(at: next) }
      }
      // A crash ends the recovery; what was justified before it is durable.
      if let pending = wallet.pending {
        add("crashes, proposes b\(pending) in ballot \(wallet.justified)") {
          $0.propose(pending, in: wallet.justified)
        }
      }
    case .blocked: break
    }
  }

  private static let names = ["nothing", "b0", "b1", "b0 and b1"]

  // MARK: What is known of a state

  /// Bits as of votes: where two honest validators have voted.
  private func certified(in state: ModelState) -> UInt32 {
    majority(state) { validators.said[$0].votes }
  }

  /// Bits as of votes, of the Byzantine owner's values: where two honest acks and the Byzantine one
  /// justify the value.
  private func justified(in state: ModelState) -> UInt32 {
    majority(state) { id in
      let acks = validators.said[id].acks
      var bits: UInt32 = 0
      for ballot in 1...UInt32(ModelValues.ballotMax) {
        let reports = acks >> (4 * ballot) & 0xf
        // Those that report nothing or the value alone.
        if reports & 0b0011 != 0 { bits |= 1 << ballot }
        if reports & 0b0101 != 0 { bits |= 1 << (4 + ballot) }
      }
      return bits
    }
  }

  private func majority(_ state: ModelState, _ bits: (Int) -> UInt32) -> UInt32 {
    let (a, b, c) = (bits(state[0]), bits(state[1]), bits(state[2]))
    return a & b | a & c | b & c
  }

  /// What each honest validator has voted for in the honest slot, bit by value.
  private func reports(in state: ModelState, _ wallet: ModelWallet) -> [Int] {
    guard let source = wallet.source else { return [0, 0, 0] }
    return (0..<3).map { place in
      let votes = validators.said[state[place]].votes >> UInt32(4 * (2 + 2 * source))
      return (votes & 0xf != 0 ? 1 : 0) | (votes & 0xf0 != 0 ? 2 : 0)
    }
  }

  /// What three acks of the wallet's ballot can report together, bit by the two values' bits.
  private func unions(in state: ModelState, _ wallet: ModelWallet) -> UInt32 {
    let honest = (0..<3).map { place in
      validators.said[state[place]].acks >> UInt32(16 + 4 * wallet.ballot) & 0xf
    }
    var byzantine: UInt32 = 0
    for reported in 0..<4 as Range<UInt32> where reported & ~wallet.signed == 0 {
      byzantine |= 1 << reported
    }
    func join(_ a: UInt32, _ b: UInt32) -> UInt32 {
      var joined: UInt32 = 0
      for i in 0..<4 as Range<UInt32> where a >> i & 1 == 1 {
        for j in 0..<4 as Range<UInt32> where b >> j & 1 == 1 { joined |= 1 << (i | j) }
      }
      return joined
    }
    return join(join(honest[0], honest[1]), honest[2])
      | join(join(honest[0], honest[1]), byzantine)
      | join(join(honest[0], honest[2]), byzantine)
      | join(join(honest[1], honest[2]), byzantine)
  }

  /// Whether an honest validator stands in the wallet's way; with the Byzantine one that makes f + 1.
  private mutating func isBarred(_ wallet: ModelWallet, in state: ModelState) -> Bool {
    guard let action = action(of: wallet) else { return false }
    for place in 0..<3 {
      if case .barred = validators.perform(action, in: state[place]) { return true }
    }
    return false
  }

  /// What the wallet asks validators for now.
  private func action(of wallet: ModelWallet) -> ModelAction? {
    switch wallet.phase {
    case .idle, .blocked: return nil
    case .recovering: return .promise(owner: 1, ballot: wallet.ballot)
    case .collecting:
      guard let source = wallet.source, let pending = wallet.pending else { return nil }
      return .vote(
        2 + 2 * source + pending,
        ballot: wallet.ballot,
        isJustified: wallet.ballot > 0
      )
    }
  }

  // MARK: What must hold

  private mutating func fault(in state: ModelState) -> String? {
    let certified = certified(in: state)
    for (owner, values) in [(0, 0..<2), (1, 2..<ModelValues.count)] {
      let final = values.filter { certified >> UInt32(4 * $0) & 0xf != 0 }
      if final.count > 1 {
        let names = final.map { ModelValues.name(of: $0) }
        return "certificates for \(names.joined(separator: " and ")) in one slot"
      }
      let settled = Set(
        (0..<3).map { place in
          let both = validators.settled[state[place]]
          return owner == 0 ? both.0 : both.1
        }
      ).subtracting([0])
      if settled.count > 1 {
        return "the slot of owner \(owner == 0 ? "A" : "B") is settled differently"
      }
    }
    for place in 0..<3 where !validators.isSupplyIntact[state[place]] {
      return "the supply equation does not hold"
    }
    let wallet = ModelWallet(state.wallet)
    if wallet.phase == .blocked { return "the honest owner's slot is lost: both have votes" }
    if wallet.source != nil, !getsSettled(state) { return "the honest owner's slot is lost" }
    return nil
  }

  /// Whether the honest slot gets settled by the honest alone, once everything they send arrives.
  private mutating func getsSettled(_ state: ModelState) -> Bool {
    var path: [ModelState] = []
    var state = state
    while !safe.contains(state) {
      path.append(state)
      guard let next = honestStep(from: state) else {
        guard (0..<3).allSatisfy({ validators.settled[state[$0]].1 != 0 }) else { return false }
        break
      }
      state = next
    }
    for state in path { safe.insert(state) }
    return true
  }

  /// The first step that honest validators or the wallet can take together.
  private mutating func honestStep(from state: ModelState) -> ModelState? {
    var wallet = ModelWallet(state.wallet)
    guard let source = wallet.source else { return nil }
    if let next = perform(.settle(source), state) { return next }
    for value in [2 + 2 * source, 3 + 2 * source] where isFinal(value, state) {
      return perform(.settle(value), state)
    }
    if let action = action(of: wallet) {
      if let next = perform(action, state) { return next }
      if isBarred(wallet, in: state) {
        let ballot = wallet.phase == .collecting ? wallet.ballot + 1 : 2 * wallet.ballot
        guard ballot <= ModelValues.ballotMax else { return nil }
        wallet.recover(at: ballot)
        return ModelState(state.ids, wallet: wallet.packed)
      }
    }
    let reports = reports(in: state, wallet)
    switch wallet.phase {
    case .idle:
      let union = reports.reduce(0, |)
      let isFirstBallot = (0..<3).allSatisfy {
        validators.said[state[$0]].votes & 0xeeee_ee00 == 0
      }
      if union == 1 || union == 2, isFirstBallot {
        wallet.propose(union - 1, in: 0)
      } else {
        wallet.recover(at: isFirstBallot ? 1 : 2)
      }
    case .recovering:
      wallet.conclude(reported: reports.reduce(0, |))
      if wallet.phase == .blocked { return nil }
    case .collecting, .blocked: return nil
    }
    return ModelState(state.ids, wallet: wallet.packed)
  }

  /// The same at the first validator that it changes.
  private mutating func perform(_ action: ModelAction, _ state: ModelState) -> ModelState? {
    for place in 0..<3 {
      if case .next(let next) = validators.perform(action, in: state[place]) {
        return state.replacing(place, by: next)
      }
    }
    return nil
  }

  /// All three have voted for it in one ballot, or one has settled it.
  private func isFinal(_ value: ModelValues.Value, _ state: ModelState) -> Bool {
    var common: UInt32 = 0xf
    for place in 0..<3 {
      common &= validators.said[state[place]].votes >> UInt32(4 * value)
      if validators.settled[state[place]].1 == value + 1 { return true }
    }
    return common != 0
      && (0..<3).contains { validators.settled[state[$0]].1 == 0 }
  }

  // MARK: Traces

  private mutating func trace(to index: Int) -> [String] {
    var lines: [String] = []
    var index = index
    while index > 0 {
      let parent = states.parent(index)
      var found: [(Step, ModelState)] = []
      successors(of: states[parent], into: &found)
      let target = states[index]
      if let (step, _) = found.first(where: { $0.1 == target }) {
        switch step {
        // Validators are sorted in each state: a number holds for one step.
        case .validator(let place, let action): lines.append("validator \(place) \(action.text)")
        case .wallet(let text): lines.append("the honest wallet \(text)")
        }
      }
      index = parent
    }
    return lines.reversed()
  }
}
