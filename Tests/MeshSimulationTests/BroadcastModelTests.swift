import Kernel
import Testing

@testable import Mesh
@testable import MeshSimulation

@Suite("The model of broadcast and recovery ballots")
struct BroadcastModelTests {
  @Test(
    "Within small bounds all holds, in so many states",
    arguments: [(0, nil, 36), (1, nil, 3643), (0, 0, 738), (0, 1, 20_462)] as [(Int, Int?, Int)]
  )
  func holds(byzantine: Int, honest: Int?, states: Int) {
    var model = BroadcastModel(.init(byzantineBallots: byzantine, honestBallots: honest))
    let result = model.run()
    #expect(result.violation?.text == nil)
    #expect(!result.isCut)
    #expect(result.states == states)
  }

  @Test(
    "What is left out is found, with the steps that lead there",
    arguments: [
      (ModelMutant.noJustification, 1, nil, "certificates for a0 and a1 in one slot"),
      (.volatileLocks, 1, nil, "certificates for a0 and a1 in one slot"),
      (.credulousWallet, 0, 2, "the honest owner's slot is lost"),
      (.trustfulWallet, 0, 2, "the honest owner's slot is lost"),
      (.volatileBallot, 0, 2, "the honest owner's slot is lost: both have votes"),
    ] as [(ModelMutant, Int, Int?, String)]
  )
  func mutants(mutant: ModelMutant, byzantine: Int, honest: Int?, text: String) throws {
    let bounds = BroadcastModel.Bounds(byzantineBallots: byzantine, honestBallots: honest)
    var model = BroadcastModel(bounds, mutant: mutant)
    let violation = try #require(model.run().violation)
    #expect(violation.text == text)
    #expect(violation.trace.count >= 4)
  }

  @Test("A model that is cut says so")
  func cut() {
    var model = BroadcastModel(.init(byzantineBallots: 2, honestBallots: nil))
    #expect(model.run(statesMax: 1000).isCut)
  }

  /// The model asks only what reports come to together; the rules ask the acks.
  @Test("Acks allow a value if and only if they report nothing else")
  func justification() throws {
    let values = ModelValues()
    let slot = values.slots[0]
    func ack(_ validator: Int, _ reported: Int, _ ballot: Int) -> BallotAck {
      BallotAck(
        epoch: .zero,
        validator: ValidatorIndex(UInt16(validator)),
        slot: slot,
        ballot: Ballot(UInt32(ballot)),
        transitions: (0..<2).filter { reported >> $0 & 1 == 1 }.map { values.transitions[$0] },
        signature: .zero
      )
    }
    for reports in 0..<64 {
      let each = [reports & 3, reports >> 2 & 3, reports >> 4 & 3]
      let union = each[0] | each[1] | each[2]
      let acks = each.enumerated().map { ack($0, $1, 1) }
      func outcome(_ acks: [BallotAck]) -> BallotJustification {
        .of(
          acks,
          slot: slot,
          ballot: Ballot(1),
          validators: values.genesis.validators
        ) { _ in false }
      }
      for value in 0..<2 {
        let hash = values.transitions[value].hash
        #expect(outcome(acks).allows(hash) == (union & ~(1 << value) == 0))
        #expect(!outcome(Array(acks.dropLast())).allows(hash))
        #expect(!outcome(acks.dropLast() + [ack(2, each[2], 2)]).allows(hash))
      }
    }
  }

  @Test("A packed wallet unpacks to the same")
  func packing() {
    var wallet = ModelWallet(lossesLeft: 1)
    #expect(ModelWallet(wallet.packed) == wallet)
    wallet.source = 1
    wallet.propose(1, in: 3)
    #expect(ModelWallet(wallet.packed) == wallet)
    wallet.loseDatabase()
    wallet.recover(at: 2)
    wallet.conclude(reported: 0)
    #expect(ModelWallet(wallet.packed) == wallet)
    #expect(wallet.signed == 0b11 && wallet.pending == 0 && wallet.justified == 2)
  }

  @Test("States are kept once, through growth of the table")
  func table() {
    var table = StateTable()
    for number in 0..<100_000 {
      let ids = (number % 7, number % 97, number)
      let isNew = table.insert(ModelState(ids, wallet: UInt32(number % 3)), parent: number / 2)
      #expect(isNew)
    }
    #expect(table.count == 100_000)
    let isNew = table.insert(ModelState((99_999, 99_999 % 97, 99_999 % 7), wallet: 99_999 % 3))
    #expect(!isNew)
    #expect(table.parent(50_001) == 25_000)
    #expect(table[1234] == ModelState((1234 % 7, 1234 % 97, 1234), wallet: 1234 % 3))
    #expect(!table.contains(ModelState((0, 0, 0), wallet: 1)))
  }
}
