import Kernel
import Testing

@testable import Mesh

/// Rules of the wallet that the simulator and the model taught; docs/protocols/mesh.md tells how.
@Suite("A wallet that forgets, among validators that lie")
struct WalletRecoveryTests {
  let fixture: Fixture

  init() throws {
    fixture = try Fixture()
  }

  /// Votes are cast, and none comes back.
  private func clusterWithPending(_ seed: UInt64) -> Cluster {
    var cluster = Cluster(fixture, seed: seed)
    cluster.isCut = { letter in
      if case .response(.vote, _) = letter.message { letter.to == .wallet(0) } else { false }
    }
    cluster.command(0, .send([cluster.payee(1, 500)]))
    cluster.run()
    cluster.isCut = { _ in false }
    return cluster
  }

  private func recoveries(_ cluster: Cluster) -> [Ballot] {
    cluster.wallets[0].events.compactMap { event in
      if case .recovering(_, let ballot) = event { ballot } else { nil }
    }
  }

  @Test("A wallet that resumes a payment looks for income from then on")
  func looksForIncome() {
    var cluster = clusterWithPending(1)
    cluster.restart(wallet: 0)
    cluster.run()
    #expect(cluster.balance(0) == 9_497)
    #expect(cluster.walletTimers[0]?.contains(.scan) == true)
  }

  @Test("What a list named and nobody showed is asked for again", arguments: [false, true])
  func seeksAgain(loses connections: Bool) {
    var cluster = Cluster(fixture, seed: 5)
    cluster.command(0, .send([cluster.payee(1, 500)]))
    cluster.run()
    cluster.isCut = { letter in
      if case .response(.certificate, _) = letter.message { letter.to == .wallet(1) } else { false }
    }
    cluster.step(wallet: 1, .fired(.scan))
    cluster.run()
    #expect(cluster.wallets[1].machine.state.claimable.isEmpty)
    cluster.isCut = { _ in false }
    if connections {
      // It asks each when it is back, at once.
      for index in 0..<4 {
        cluster.stop(index)
        cluster.start(index)
      }
    } else {
      cluster.step(wallet: 1, .fired(.scan))
    }
    cluster.run()
    #expect(cluster.wallets[1].machine.state.claimable.count == 1)
  }

  @Test("Restored, it signs nothing in ballot 0, though all validators report nothing")
  func distrust() throws {
    var cluster = Cluster(fixture, seed: 2)
    cluster.restart(wallet: 0, fromWords: true)
    cluster.run()
    cluster.command(0, .send([cluster.payee(1, 500)]))
    cluster.run()
    let certificate = try #require(cluster.certified(0))
    #expect(certificate.ballot == Ballot(1))
    // What settled the slot was its own: the next one needs no ballot.
    cluster.command(0, .send([cluster.payee(1, 1)]))
    cluster.run()
    #expect(cluster.certified(0)?.ballot == .zero)
    cluster.expectAgreement()
  }

  @Test("A crash in a higher ballot leads back to it, not to ballot 0")
  func durableBallot() throws {
    var cluster = Cluster(fixture, seed: 3)
    cluster.restart(wallet: 0, fromWords: true)
    cluster.run()
    cluster.isCut = { letter in
      if case .response(.vote, _) = letter.message { letter.to == .wallet(0) } else { false }
    }
    cluster.command(0, .send([cluster.payee(1, 500)]))
    cluster.run()
    let pending = try #require(cluster.wallets[0].disk.pending)
    #expect(pending.justification?.ballot == Ballot(1))
    cluster.isCut = { _ in false }
    cluster.restart(wallet: 0)
    cluster.wallets[0].events = []
    cluster.run()
    #expect(recoveries(cluster) == [])
    #expect(cluster.wallets[0].disk.certificates[.first]?.ballot == Ballot(1))
    cluster.runTimers()
    cluster.expectAgreement()
  }

  @Test("A slot of two losses may be blocked: two transitions have votes, and neither is certified")
  func twoLosses() throws {
    var cluster = Cluster(fixture, seed: 5)
    /// A payment of which one validator hears, and whose vote gets lost, as the wallet's database does.
    func payAndForget(_ units: UInt64, heardBy voter: Int, without absent: Int?) {
      cluster.isCut = { letter in
        if [letter.from, letter.to].contains(where: { $0 == absent.map { .validator($0) } }) {
          return true
        }
        switch letter.message {
        case .request(.vote, _): return letter.to != .validator(voter)
        case .response(.vote, _): return true
        default: return false
        }
      }
      cluster.run()
      cluster.runTimers()
      cluster.command(0, .send([cluster.payee(1, units)]))
      cluster.run()
      cluster.runTimers()
      cluster.restart(wallet: 0, fromWords: true)
    }
    payAndForget(500, heardBy: 0, without: nil)
    // The one that voted is away, so a quorum reports nothing: the slot is free.
    payAndForget(7, heardBy: 1, without: 0)
    #expect(Set(cluster.votes.values).count == 2)
    // A quorum that reports both: neither may be proposed, as the other may have been certified.
    cluster.isCut = { [$0.from, $0.to].contains(.validator(3)) }
    cluster.run()
    cluster.runTimers()
    cluster.command(0, .send([cluster.payee(2, 1)]))
    cluster.run()
    cluster.isCut = { _ in false }
    cluster.run()
    cluster.runTimers()
    #expect(cluster.wallets[0].replies.contains { $0.isBlocked })
    #expect(cluster.certified(0)?.hash == nil)
    for validator in cluster.validators { #expect(validator.disk.totals.logCount == 0) }
    cluster.expectAgreement()
    // Nobody else is harmed.
    cluster.command(1, .send([cluster.payee(2, 1)]))
    cluster.run()
    #expect(cluster.certified(1) != nil)
  }

  @Test("What a store keeps of a pending transition is what validators are asked")
  func storedPending() throws {
    var cluster = Cluster(fixture, seed: 3)
    cluster.restart(wallet: 0, fromWords: true)
    cluster.run()
    cluster.isCut = { letter in
      if case .response(.vote, _) = letter.message { letter.to == .wallet(0) } else { false }
    }
    cluster.command(0, .send([cluster.payee(1, 500)]))
    cluster.run()
    let pending = try #require(cluster.wallets[0].disk.pending)
    let request = try VoteRequest(encoded: pending.request.encoded)
    let stored = try #require(WalletState.Pending(request, balance: pending.balance))
    #expect(stored.transition == pending.transition)
    #expect(stored.justification == pending.justification)
  }

  @Test("One validator that says conflict is not believed at once; f + 1 are")
  func lies() throws {
    for liars in [[3], [2, 3]] {
      var cluster = Cluster(fixture, seed: 4)
      // Validators 0 and 1 vote, 2 is slow or lies too.
      cluster.isCut = { letter in
        letter.from == .validator(2) || letter.from == .validator(3)
      }
      cluster.command(0, .send([cluster.payee(1, 500)]))
      cluster.run()
      let pending = try #require(cluster.wallets[0].disk.pending)
      for liar in liars {
        let reject = VoteReject(
          transition: pending.transition.hash,
          code: .conflict,
          nextSequence: .first
        )
        let message = MeshMessage.response(.reject(reject), Exchange(0))
        cluster.step(
          wallet: 0,
          .received(Verified(checked: message), from: PeerID(UInt64(liar)))
        )
      }
      var seconds = 0
      while recoveries(cluster).isEmpty, seconds < 20 {
        seconds += 1
        cluster.step(wallet: 0, .fired(.retry))
        cluster.run()
      }
      #expect(seconds == (liars.count == 2 ? 1 : MeshWallet.patience))
    }
  }

  @Test("Who asks a restored wallet to pay waits for that payment, not for one it had forgotten")
  func ownPayment() throws {
    var cluster = clusterWithPending(5)
    cluster.restart(wallet: 0, fromWords: true)
    // Asked before it knows how the slot stands.
    cluster.run()
    cluster.runTimers()
    cluster.command(0, .send([cluster.payee(2, 7)]))
    cluster.run()
    cluster.runTimers()
    let certificate = try #require(cluster.certified(0))
    #expect(certificate.signed.body.outputs.map(\.recipient) == [cluster.wallets[2].keys.account])
    #expect(cluster.balance(0) == 9_487)
  }

  @Test("A claim that was taken is refused for good, and the refusal names it")
  func takenClaim() throws {
    var cluster = Cluster(fixture, seed: 6)
    for units in [5, 6] as [UInt64] {
      cluster.command(1, .send([cluster.payee(0, units)]))
      cluster.run()
      cluster.step(wallet: 0, .fired(.scan))
      cluster.run()
      if units == 5 {
        cluster.command(0, .receive)
        cluster.run()
        // What settles its slots names no claim from then on.
        cluster.command(0, .send([cluster.payee(1, 1)]))
        cluster.run()
      }
    }
    let taken = try #require(cluster.wallets[0].disk.certificates[.first]?.signed.body.claims.first)
    // Restored, and told by all that nothing has been claimed.
    cluster.restart(wallet: 0, fromWords: true)
    cluster.run()
    let source = try #require(cluster.validators[0].disk.certificate(taken.source))
    cluster.step(
      wallet: 0,
      .received(
        Verified(checked: .response(.certificate(source), Exchange(0))),
        from: PeerID(0)
      )
    )
    cluster.run()
    #expect(cluster.wallets[0].disk.claimable.contains { $0.reference == taken })
    cluster.command(0, .receive)
    cluster.run()
    cluster.runTimers()
    guard case .failed(.refused(.alreadyClaimed))? = cluster.wallets[0].replies.first else {
      Issue.record("the claim was taken, and the wallet was told: \(cluster.wallets[0].replies)")
      return
    }
    #expect(cluster.wallets[0].disk.claimable.map(\.payment.amount.units) == [6])
    cluster.command(0, .receive)
    cluster.run()
    cluster.runTimers()
    #expect(cluster.certified(0) != nil)
    #expect(cluster.balance(0) == 10_007)
    cluster.expectAgreement()
  }
}

extension MeshWallet.Reply {
  fileprivate var isBlocked: Bool {
    if case .failed(.slotBlocked) = self { true } else { false }
  }
}
