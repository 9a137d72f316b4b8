import EdDSA
import Kernel
import Testing

@testable import SmallNano

@Suite("Handshake")
struct HandshakeTests {
  private let alice = testKey(1)
  private let bob = testKey(2)
  private let mallory = testKey(3)

  private func side(
    _ role: Handshake.Role,
    _ key: SecretKey,
    cookie: UInt64,
    chain: ChainID = devChain
  ) -> Handshake {
    Handshake(
      role: role,
      chain: chain,
      key: key,
      cookie: Bytes32(words: (cookie, 1, 2, 3))
    )
  }

  /// Runs an honest handshake and returns all that was said, in order.
  private func transcript(
    _ a: SecretKey,
    _ b: SecretKey,
    cookies: (UInt64, UInt64)
  ) throws -> (hello: WireMessage, answer: [WireMessage], ack: WireMessage) {
    var initiator = side(.initiator, a, cookie: cookies.0)
    var responder = side(.responder, b, cookie: cookies.1)
    let hello = try #require(initiator.opening.first)
    let answer = try responder.receive(hello).replies
    #expect(try initiator.receive(answer[0]) == Handshake.Step())
    let done = try initiator.receive(answer[1])
    #expect(done.peer == b.publicKey)
    let ack = try #require(done.replies.first)
    #expect(try responder.receive(ack) == Handshake.Step(peer: a.publicKey))
    #expect(initiator.isCompleted)
    #expect(responder.isCompleted)
    return (hello, answer, ack)
  }

  @Test("Two nodes learn each other's id")
  func completes() throws {
    let said = try transcript(alice, bob, cookies: (10, 20))
    #expect(said.answer.map(\.type) == [.handshake, .handshakeAck])
    #expect(side(.responder, bob, cookie: 20).opening.isEmpty)
  }

  @Test("A node of another chain is refused, by either side")
  func wrongChain() throws {
    let other = ChainID(Bytes32(words: (9, 9, 9, 9)))
    let hello = try #require(side(.initiator, alice, cookie: 10, chain: other).opening.first)
    for role in [Handshake.Role.responder, .initiator] {
      var node = side(role, bob, cookie: 20)
      #expect(throws: HandshakeFailure.wrongChain(other)) { try node.receive(hello) }
    }
  }

  @Test("A node that dials itself finds out")
  func selfConnection() throws {
    var initiator = side(.initiator, alice, cookie: 10)
    var responder = side(.responder, alice, cookie: 20)
    let hello = try #require(initiator.opening.first)
    let answer = try responder.receive(hello).replies
    _ = try initiator.receive(answer[0])
    #expect(throws: HandshakeFailure.connectedToSelf) { try initiator.receive(answer[1]) }
  }

  @Test("What was recorded in one handshake opens no other")
  func replay() throws {
    let recorded = try transcript(alice, bob, cookies: (10, 20))
    // At a responder: Alice's hello is taken, as anyone may say it, but not her old answer.
    var responder = side(.responder, bob, cookie: 21)
    _ = try responder.receive(recorded.hello)
    #expect(throws: HandshakeFailure.wrongCookie) { try responder.receive(recorded.ack) }
    // At an initiator.
    var initiator = side(.initiator, alice, cookie: 11)
    _ = try initiator.receive(recorded.answer[0])
    #expect(throws: HandshakeFailure.wrongCookie) { try initiator.receive(recorded.answer[1]) }
  }

  @Test("An old signature under a fresh challenge is refused")
  func replayWithFreshCookie() throws {
    let recorded = try transcript(alice, bob, cookies: (10, 20))
    guard case .handshakeAck(let old) = recorded.ack else { return #expect(Bool(false)) }
    var responder = side(.responder, bob, cookie: 21)
    let answer = try responder.receive(recorded.hello).replies
    guard case .handshake(let hello) = answer[0] else { return #expect(Bool(false)) }
    let forged = HandshakeAck(cookie: hello.cookie, node: old.node, signature: old.signature)
    #expect(throws: HandshakeFailure.badSignature) { try responder.receive(.handshakeAck(forged)) }
  }

  @Test("A challenge sent back is refused")
  func reflectedHello() throws {
    var initiator = side(.initiator, alice, cookie: 10)
    let hello = try #require(initiator.opening.first)
    #expect(throws: HandshakeFailure.reflected) { try initiator.receive(hello) }
  }

  @Test("A node that is asked to answer its own challenge does not accept the answer")
  func reflectedThroughSecondConnection() throws {
    // Mallory accepts Alice's dial, and dials Alice with Alice's own challenge.
    var dialled = side(.initiator, alice, cookie: 10)
    var accepting = side(.responder, alice, cookie: 11)
    let hello = try #require(dialled.opening.first)
    let answer = try accepting.receive(hello).replies
    _ = try dialled.receive(answer[0])
    #expect(throws: HandshakeFailure.connectedToSelf) { try dialled.receive(answer[1]) }
  }

  @Test("A responder's signature does not serve as an initiator's")
  func roleConfusion() throws {
    // Mallory lets Bob, as a responder, sign Alice's cookie, and offers that to Alice as if Bob had
    // dialled her.
    var atBob = side(.responder, bob, cookie: 20)
    var atAlice = side(.responder, alice, cookie: 10)
    let fromMallory = WireMessage.handshake(
      HandshakeHello(cookie: Bytes32(words: (20, 1, 2, 3)), chain: devChain)
    )
    let answer = try atAlice.receive(fromMallory).replies
    let signed = try atBob.receive(answer[0]).replies[1]
    #expect(throws: HandshakeFailure.badSignature) { try atAlice.receive(signed) }
  }

  @Test("A node id without its key is refused, and the zero id by name")
  func badSignature() throws {
    for (node, failure) in [
      (bob.publicKey, HandshakeFailure.badSignature),
      (PublicKey(.zero), .zeroNode),
    ] {
      var initiator = side(.initiator, alice, cookie: 10)
      let cookie = Bytes32(words: (20, 1, 2, 3))
      _ = try initiator.receive(.handshake(HandshakeHello(cookie: cookie, chain: devChain)))
      let digest = Handshake.digest(
        chain: devChain,
        initiatorCookie: Bytes32(words: (10, 1, 2, 3)),
        responderCookie: cookie,
        initiator: PublicKey(.zero),
        responder: node
      )
      let ack = HandshakeAck(
        cookie: Bytes32(words: (10, 1, 2, 3)),
        node: node,
        signature: mallory.sign(digest.bytes)
      )
      #expect(throws: failure) { try initiator.receive(.handshakeAck(ack)) }
    }
  }

  @Test("Nothing but the handshake is heard before it is complete", arguments: MessageType.allCases)
  func otherMessages(type: MessageType) throws {
    var random = SplitMix64(seed: 5)
    let message = WireMessage.random(type, using: &random)
    let hello = try #require(side(.initiator, alice, cookie: 10).opening.first)
    if type != .handshake {
      var fresh = side(.responder, bob, cookie: 20)
      #expect(throws: HandshakeFailure.unexpected(type)) { try fresh.receive(message) }
      // A failure is final.
      #expect(throws: HandshakeFailure.unexpected(.handshake)) { try fresh.receive(hello) }
    }
    if type != .handshakeAck {
      var greeted = side(.responder, bob, cookie: 20)
      _ = try greeted.receive(hello)
      #expect(throws: HandshakeFailure.unexpected(type)) { try greeted.receive(message) }
    }
  }

  @Test("A second handshake on one connection is refused")
  func afterCompletion() throws {
    let said = try transcript(alice, bob, cookies: (10, 20))
    var responder = side(.responder, bob, cookie: 20)
    _ = try responder.receive(said.hello)
    _ = try responder.receive(said.ack)
    #expect(throws: HandshakeFailure.unexpected(.handshakeAck)) {
      try responder.receive(said.ack)
    }
  }

  @Test("Both ends of a double connection keep the same one")
  func duplicates() {
    let (a, b) = (alice.publicKey, bob.publicKey)
    // Each dialled the other; each sees the two in either order.
    for newerDialledByA in [true, false] {
      let atA = Handshake.replaces(
        newer: newerDialledByA ? .initiator : .responder,
        older: newerDialledByA ? .responder : .initiator,
        own: a,
        peer: b
      )
      let atB = Handshake.replaces(
        newer: newerDialledByA ? .responder : .initiator,
        older: newerDialledByA ? .initiator : .responder,
        own: b,
        peer: a
      )
      #expect(atA == atB)
      let keepsDialledByA = atA == newerDialledByA
      #expect(keepsDialledByA == (a < b))
    }
    #expect(Handshake.replaces(newer: .responder, older: .responder, own: a, peer: b))
  }
}
