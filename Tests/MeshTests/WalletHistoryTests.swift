import Kernel
import Testing

@testable import Mesh

@Suite("A wallet's past, and those who only look")
struct WalletHistoryTests {
  let fixture: Fixture

  init() throws {
    fixture = try Fixture()
  }

  /// Alice pays Bob twice, Bob receives and pays back.
  private func exchange() -> Cluster {
    var cluster = Cluster(fixture, seed: 7)
    for units in [500, 20] as [UInt64] {
      cluster.command(0, .send([cluster.payee(1, units)]))
      cluster.run()
    }
    cluster.command(1, .look)
    cluster.run()
    cluster.command(1, .receive)
    cluster.run()
    cluster.command(1, .send([cluster.payee(0, 3)]))
    cluster.run()
    cluster.runTimers()
    return cluster
  }

  private func isSynced(_ cluster: Cluster, _ wallet: Int) -> Bool {
    cluster.wallets[wallet].replies.contains { if case .synced = $0 { true } else { false } }
  }

  @Test("Restored from its words, a wallet fetches its payments and what it received")
  func completeHistory() throws {
    var cluster = exchange()
    cluster.restart(wallet: 1, fromWords: true)
    cluster.run()
    cluster.runTimers()
    #expect(cluster.wallets[1].disk.certificates.count == 1)
    cluster.command(1, .completeHistory)
    cluster.run()
    #expect(isSynced(cluster, 1))
    let state = cluster.wallets[1].disk
    #expect(state.certificates.count == 2)
    #expect(state.incoming.map(\.payment.amount.units).sorted() == [20, 500])
    #expect(state.claimable.isEmpty)
    let sent = try #require(state.certificates[SequenceNumber(1)])
    let memo = try #require(fixture.owners[1].view.open(sent.signed.body))
    #expect(memo.sent.map(\.amount) == [Amount(3)])
  }

  @Test("A past that no validator hands out is given up")
  func missingHistory() {
    var cluster = exchange()
    cluster.restart(wallet: 1, fromWords: true)
    cluster.run()
    cluster.runTimers()
    cluster.isCut = { letter in
      if case .response(.certificate, _) = letter.message { true } else { false }
    }
    cluster.command(1, .completeHistory)
    cluster.run()
    #expect(!isSynced(cluster, 1))
    cluster.runTimers(12)
    #expect(isSynced(cluster, 1))
  }

  @Test("A certificate that nobody was told of before a crash is handed out after it")
  func untoldCertificate() throws {
    var cluster = Cluster(fixture, seed: 3)
    cluster.isCut = { letter in
      if case .request(.settle, _) = letter.message { true } else { false }
    }
    cluster.command(0, .send([cluster.payee(1, 500)]))
    cluster.run()
    #expect(cluster.certified(0) != nil)
    #expect(cluster.validators.allSatisfy { $0.disk.totals.logCount == 0 })
    cluster.isCut = { _ in false }
    cluster.restart(wallet: 0)
    cluster.run()
    #expect(cluster.validators.allSatisfy { $0.disk.totals.logCount == 1 })
    let isSettled = cluster.wallets[0].events.contains {
      if case .settled = $0 { true } else { false }
    }
    #expect(isSettled)
    cluster.expectAgreement()
  }

  @Test("A look tells what there is once a quorum has listed it")
  func look() {
    var cluster = Cluster(fixture, seed: 4)
    cluster.command(0, .send([cluster.payee(1, 9)]))
    cluster.run()
    cluster.command(1, .look)
    #expect(!isSynced(cluster, 1))
    cluster.run()
    #expect(isSynced(cluster, 1))
    #expect(cluster.wallets[1].disk.claimable.map(\.payment.amount) == [Amount(9)])
    // Two of four are no quorum.
    cluster.stop(0)
    cluster.stop(1)
    cluster.command(1, .look)
    cluster.run()
    #expect(!isSynced(cluster, 1))
    cluster.start(0)
    cluster.run()
    #expect(isSynced(cluster, 1))
  }

  @Test("One payment is received by its name, and no other")
  func receiveOne() throws {
    var cluster = Cluster(fixture, seed: 5)
    var hashes: [TransitionHash] = []
    for units in [500, 20] as [UInt64] {
      cluster.command(0, .send([cluster.payee(1, units)]))
      cluster.run()
      hashes.append(try #require(cluster.certified(0)).hash)
    }
    let before = cluster.balance(1)
    cluster.command(1, .receiveFrom(hashes[1]))
    cluster.run()
    #expect(cluster.certified(1)?.signed.body.claims.map(\.source) == [hashes[1]])
    #expect(cluster.balance(1) == before + 20)
    cluster.command(1, .receiveFrom(hashes[1]))
    guard case .failed(.alreadyReceived(hashes[1]))? = cluster.wallets[1].replies.first else {
      Issue.record("it was received already")
      return
    }
    let unknown = TransitionHash(.zero)
    cluster.command(1, .receiveFrom(unknown))
    cluster.run()
    guard case .failed(.noSuchPayment(unknown))? = cluster.wallets[1].replies.first else {
      Issue.record("nobody knows it")
      return
    }
  }

  @Test("A subscriber hears of a payment at once")
  func subscription() {
    var cluster = Cluster(fixture, seed: 6)
    cluster.command(1, .subscribe)
    cluster.run()
    cluster.command(0, .send([cluster.payee(1, 5)]))
    cluster.run()
    let received = cluster.wallets[1].events.compactMap { event in
      if case .received(let incoming) = event { incoming.payment.amount } else { nil }
    }
    #expect(received == [Amount(5)])
  }

  // MARK: Watching

  /// A wallet that has only what `text` carries, in Bob's place.
  private func watch(_ cluster: inout Cluster, _ keys: WalletKeys) throws {
    let read = try ViewKeyText.keys(of: ViewKeyText.text(of: keys))
    cluster.watch(1, with: read)
    cluster.run()
    cluster.runTimers()
    cluster.command(1, .look)
    cluster.run()
  }

  @Test("The full view key shows balance and payments, and spends nothing")
  func fullView() throws {
    var cluster = exchange()
    let balance = cluster.balance(1)
    let bob = fixture.owners[1]
    try watch(&cluster, .full(bob.account, bob.view))
    #expect(cluster.balance(1) == balance)
    cluster.command(1, .completeHistory)
    cluster.run()
    #expect(cluster.wallets[1].disk.certificates.count == 2)
    #expect(cluster.wallets[1].disk.incoming.count == 2)
    for command in [.send([cluster.payee(0, 1)]), .receive] as [MeshWallet.Command] {
      cluster.command(1, command)
      guard case .failed(.watchOnly)? = cluster.wallets[1].replies.first else {
        Issue.record("it has no key to sign with")
        return
      }
    }
  }

  @Test("The income key shows what came, claimed or not, and neither balance nor payments")
  func incomeView() throws {
    var cluster = exchange()
    cluster.command(0, .send([cluster.payee(1, 1)]))
    cluster.run()
    let bob = fixture.owners[1]
    try watch(&cluster, .income(bob.account, bob.view.incoming))
    let state = cluster.wallets[1].disk
    #expect(state.incoming.map(\.payment.amount.units).sorted() == [1, 20, 500])
    #expect(state.certificates.isEmpty)
    #expect(state.nextSequence == .first)
  }

  @Test("A view key's text comes back, and no character can be changed")
  func viewKeyText() throws {
    let bob = fixture.owners[1]
    for keys in [WalletKeys.spending(bob), .income(bob.account, bob.view.incoming)] {
      let text = ViewKeyText.text(of: keys)
      let read = try ViewKeyText.keys(of: text)
      #expect(read.account == bob.account)
      #expect(read.incoming.exported == bob.view.incoming.exported)
      #expect((read.full != nil) == (keys.full != nil))
      #expect(read.spending == nil)
      #expect(ViewKeyText.text(of: read) == text)
      var characters = Array(text)
      for place in characters.indices {
        let before = characters[place]
        characters[place] = before == "q" ? "p" : "q"
        #expect(throws: AddressFailure.self) { try ViewKeyText.keys(of: String(characters)) }
        characters[place] = before
      }
      #expect(throws: AddressFailure.self) { try ViewKeyText.keys(of: String(text.dropLast())) }
    }
    #expect(throws: AddressFailure.self) { try ViewKeyText.keys(of: "") }
  }
}
