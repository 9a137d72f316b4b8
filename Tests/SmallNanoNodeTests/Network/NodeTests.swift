import EventLoop
import Kernel
import SmallNano
import Testing

@testable import SmallNanoNode

@Suite("Nodes over sockets and databases", .timeLimit(.minutes(1)))
struct NodeTests {
  private let bob = Account(Bytes32(words: (1, 2, 3, 4)))
  private let amount = Amount(raw: Amount.rawPerSMN)

  @Test("Two nodes confirm a payment made at the one that does not vote")
  func payment() async throws {
    let voter = try await SocketNode()
    let other = try await SocketNode(peers: [voter.address])
    try await voter.vote(with: [SocketNode.genesis])
    let send = try genesisSend(amount, to: bob)
    let reply = try await other.process(send)
    guard case .processed(send.value.hash) = reply else {
      Issue.record("\(reply)")
      return
    }
    async let here: Void = other.confirmation(of: send.value.hash)
    async let there: Void = voter.confirmation(of: send.value.hash)
    _ = await (here, there)
    await other.node.stop()
    await voter.node.stop()
  }
}
