import Kernel
import Mesh

/// One thing that an honest validator does.
enum ModelAction {
  case promise(owner: Int, ballot: Int)
  case vote(ModelValues.Value, ballot: Int, isJustified: Bool)
  case settle(ModelValues.Value)
  /// Starts again from what is durable.
  case crash

  static let count = 63

  var index: Int {
    switch self {
    case .promise(let owner, let ballot): owner * 4 + ballot
    case .vote(let value, let ballot, let isJustified):
      8 + value * 8 + ballot * 2 + (isJustified ? 1 : 0)
    case .settle(let value): 56 + value
    case .crash: 62
    }
  }

  var text: String {
    switch self {
    case .promise(let owner, let ballot):
      "promises ballot \(ballot) to owner \(owner == 0 ? "A" : "B")"
    case .vote(let value, let ballot, let isJustified):
      "votes for \(ModelValues.name(of: value)) in ballot \(ballot)"
        + (isJustified ? ", justified" : "")
    case .settle(let value): "applies the certificate for \(ModelValues.name(of: value))"
    case .crash: "crashes"
    }
  }
}

/// All states that one honest validator comes to, each a real `Ledger`, and what it has said.
///
/// What an action does in a state is found out once, by the ledger's own `judge`, `cast`, `promise` and
/// `apply`; from then on it is looked up.
struct ModelValidators {
  /// What has left a validator for good, as bits.
  struct Said: Hashable {
    /// Bit 4·value + ballot: a vote.
    var votes: UInt32 = 0
    /// Bit 16·owner + 4·ballot + reported: an ack that reports these two of the owner's transitions,
    /// bit 0 and 1 of `reported`; of the honest owner those of the one source that it claims from.
    var acks: UInt32 = 0
  }

  enum Result {
    case next(Int)
    /// Nothing happens, or nothing new.
    case nothing
    /// Another vote or a promise stands in the way.
    case barred
  }

  /// What of a ledger decides about what it does next, in plain numbers: equal ledgers are one state.
  private struct Key: Hashable {
    var said: Said
    var promised: [Int] = []
    var votes: [Int] = []
    var settled: [Int] = []
    var buffered: Int?
    var outputs: [Int] = []
    var isHalted: Bool
  }

  let values: ModelValues
  let mutant: ModelMutant?
  private(set) var ledgers: [Ledger] = []
  private(set) var said: [Said] = []
  /// The value that settled each owner's slot, + 1.
  private(set) var settled: [(Int, Int)] = []
  private(set) var isSupplyIntact: [Bool] = []
  private var ids: [Key: Int] = [:]
  /// By state and action: the next state + 3; 0 unknown, 1 nothing, 2 barred.
  private var table: [Int32] = []

  init(_ values: ModelValues, _ mutant: ModelMutant?) {
    self.values = values
    self.mutant = mutant
    _ = intern(Ledger(store: MemoryStore(), genesis: values.genesis), Said())
  }

  var count: Int { ledgers.count }

  mutating func perform(_ action: ModelAction, in id: Int) -> Result {
    let place = id * ModelAction.count + action.index
    if table[place] == 0 {
      switch compute(action, id) {
      case .next(let next): table[place] = Int32(next + 3)
      case .nothing: table[place] = 1
      case .barred: table[place] = 2
      }
    }
    switch table[place] {
    case 1: return .nothing
    case 2: return .barred
    case let entry: return .next(Int(entry) - 3)
    }
  }

  private mutating func compute(_ action: ModelAction, _ id: Int) -> Result {
    var ledger = ledgers[id]
    var said = said[id]
    var change = LedgerChange()
    switch action {
    case .promise(let owner, let ballot):
      let request = BallotRequest(
        slot: values.slots[owner],
        ballot: Ballot(UInt32(ballot)),
        signature: .zero
      )
      do throws(TransitionRejection) {
        let reported = try ledger.promise(request, into: &change)
        let mask = reported.reduce(0) { $0 | 1 << (values.value(of: $1.hash) & 1) }
        said.acks |= 1 << UInt32(16 * owner + 4 * ballot + mask)
      } catch {
        return error == .ballotSuperseded ? .barred : .nothing
      }
    case .vote(let value, let ballot, let isJustified):
      let transition = values.transitions[value]
      let isBelieved = isJustified || (mutant == .noJustification && ballot > 0)
      do throws(TransitionRejection) {
        let judgement = try ledger.judge(
          transition,
          ballot: Ballot(UInt32(ballot)),
          isJustified: isBelieved
        )
        guard judgement == .needsProof else { return .nothing }
        ledger.cast(values.vote(for: value, in: ballot), for: transition, into: &change)
        said.votes |= 1 << UInt32(4 * value + ballot)
      } catch {
        return error == .conflict || error == .ballotSuperseded ? .barred : .nothing
      }
    case .settle(let value):
      _ = ledger.apply(values.certificate(for: value), into: &change)
    case .crash:
      // What was decided is durable before anything is said: only a mutant forgets.
      guard mutant == .volatileLocks else { return .nothing }
      ledger.store.apply(LedgerChange(values.slots.map { .removeLock($0) }))
    }
    let next = intern(ledger, said)
    return next == id ? .nothing : .next(next)
  }

  private mutating func intern(_ ledger: Ledger, _ said: Said) -> Int {
    let key = key(of: ledger, said)
    if let id = ids[key] { return id }
    let id = ledgers.count
    precondition(id < 1 << 20)  // the width in `ModelState`
    ids[key] = id
    ledgers.append(ledger)
    self.said.append(said)
    settled.append((key.settled[0], key.settled[1]))
    isSupplyIntact.append(ledger.isSupplyIntact())
    table.append(contentsOf: repeatElement(0, count: ModelAction.count))
    return id
  }

  private func key(of ledger: Ledger, _ said: Said) -> Key {
    let store = ledger.store
    var key = Key(said: said, isHalted: store.totals.isHalted)
    for slot in values.slots {
      let lock = store.lock(slot)
      key.promised.append(Int(lock?.promised.number ?? 0))
      key.votes += (lock?.votes ?? []).map { cast in
        4 * values.value(of: cast.transition.hash) + Int(cast.ballot.number)
      }
      key.settled.append(store.settled(slot).map { values.value(of: $0) + 1 } ?? 0)
    }
    key.buffered = store.buffered(values.slots[1]).map { values.value(of: $0.hash) }
    for source in values.transitions[..<2] {
      for index in source.body.outputs.indices {
        let reference = OutputReference(source: source.hash, index: UInt16(index))
        let record = store.output(reference)
        let state = record.map { ($0.isSourceApplied ? 1 : 0) + ($0.claimedBy != nil ? 2 : 0) }
        key.outputs.append(state ?? -1)
      }
    }
    return key
  }
}
