import Kernel
import Simulation
import Testing

@testable import Mesh
@testable import MeshSimulation

/// Each check fails when it should; what the canaries break is not repeated here.
@Suite("The simulation's checker")
struct CheckerTests {
  let cast: Cast
  let checker: Checker
  let values = ModelValues()
  /// Two correct validators.
  let first: Int
  let second: Int

  init() {
    var random = SplitMix64(seed: 7)
    cast = Cast(validators: 4, using: &random)
    checker = Checker(cast)
    first = cast.correctValidators[0]
    second = cast.correctValidators[1]
  }

  private func lock(_ promised: UInt32, _ votes: [ValidatorVote] = []) -> LedgerChange.Operation {
    var lock = SlotLock(slot: values.slots[0], promised: Ballot(promised))
    lock.votes = votes.map { vote in
      let value = values.value(of: vote.transition)
      return SlotLock.CastVote(transition: values.transitions[value], vote: vote)
    }
    return .putLock(lock)
  }

  private func fault(_ operation: LedgerChange.Operation, _ node: Int) -> String? {
    checker.fault(in: operation, of: node, on: MemoryStore())
  }

  private func fault(_ response: Response, _ node: Int) -> String? {
    checker.fault(in: .response(response, Exchange(1)), of: node)
  }

  private func ack(_ node: Int, _ ballot: UInt32, _ reported: [Int]) -> BallotAck {
    BallotAck(
      epoch: .zero,
      validator: ValidatorIndex(UInt16(node)),
      slot: values.slots[0],
      ballot: Ballot(ballot),
      transitions: reported.map { values.transitions[$0] },
      signature: .zero
    )
  }

  @Test("An account's state at a sequence is the same everywhere")
  func states() {
    func state(_ amount: UInt64) -> LedgerChange.Operation {
      .putAccount(
        AccountState(
          account: values.slots[0].account,
          nextSequence: SequenceNumber(1),
          head: values.transitions[0].hash,
          balance: Commitment(publicAmount: Amount(amount))
        )
      )
    }
    #expect(fault(state(1), first) == nil)
    #expect(fault(state(1), second) == nil)
    #expect(fault(state(2), second)?.contains("not what it is elsewhere") == true)
  }

  @Test("A promise is neither taken back nor broken")
  func promises() {
    #expect(fault(lock(2), first) == nil)
    #expect(fault(lock(1), first) == "a promise is taken back")
    #expect(fault(lock(2, [values.vote(for: 0, in: 2)]), first) == nil)
    #expect(
      fault(lock(2, [values.vote(for: 0, in: 1)]), first)?.contains("has promised") == true
    )
  }

  @Test("An ack hides no earlier vote")
  func acks() {
    #expect(fault(lock(0, [values.vote(for: 0, in: 0)]), first) == nil)
    #expect(fault(.ballot(ack(first, 1, [0])), first)?.contains("before it is durable") == true)
    #expect(fault(lock(1, [values.vote(for: 0, in: 0)]), first) == nil)
    #expect(fault(.ballot(ack(first, 1, [0])), first) == nil)
    #expect(fault(.ballot(ack(first, 1, [])), first)?.contains("hides a vote") == true)
  }

  @Test("One vote in a ballot, and one certificate in a slot, liars' votes counted")
  func certificates() throws {
    let votes = [values.vote(for: 0, in: 0), values.vote(for: 1, in: 0)]
    #expect(fault(lock(0, votes), first) == nil)
    #expect(fault(.vote(votes[0]), first) == nil)
    #expect(fault(.vote(votes[1]), first)?.contains("and did for") == true)
    var faults: [String] = []
    for (value, ballot) in [(0, 0), (1, 1)] {
      for node in cast.correctValidators {
        let vote = values.vote(for: value, in: ballot)
        #expect(fault(lock(UInt32(ballot), [vote]), node) == nil)
        if let fault = fault(.vote(vote), node) { faults.append(fault) }
      }
    }
    #expect(faults.first?.contains("there are certificates for") == true)
  }

  @Test("No evidence against the honest, and no halt")
  func evidence() throws {
    let (a, b) = (values.transitions[0], values.transitions[1])
    let proof = try #require(EquivocationProof(a.signed, b.signed))
    // The model's owners are this cast's first two honest wallets.
    #expect(fault(.putEvidence(.owner(proof)), first)?.contains("has signed two") == true)
    checker.noteRestored(cast.honestWalletNodes.lowerBound)
    #expect(fault(.putEvidence(.owner(proof)), first) == nil)
    let index = UInt16(first)
    let votes = try #require(
      ValidatorEquivocationProof(
        values.vote(for: 0, in: 0, by: index),
        values.vote(for: 1, in: 0, by: index)
      )
    )
    #expect(fault(.putEvidence(.validator(votes)), second)?.contains("voted twice") == true)
    var totals = LedgerTotals()
    totals.isHalted = true
    #expect(fault(.putTotals(totals), first) == "halted by a safety fault")
  }
}
