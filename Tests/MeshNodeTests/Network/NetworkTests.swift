import EventLoop
import Kernel
import Mesh
import MeshNode
import Service
import Testing

@Suite("The network of MESH", .timeLimit(.minutes(1)))
struct NetworkTests {
  private static let loopback = SocketAddress(.loopbackV4, port: 0)

  private static func index(_ number: Int) -> ValidatorIndex { ValidatorIndex(UInt16(number)) }

  private static func validator(
    _ index: Int,
    of net: TestNet,
    calling others: [ValidatorIndex: SocketAddress] = [:]
  ) -> MeshNetwork.Settings {
    MeshNetwork.Settings(
      genesis: net.genesis,
      identity: .validator(net.validators[index], Self.index(index)),
      validators: others.mapValues { HostPort(host: "127.0.0.1", port: $0.port) },
      listen: loopback,
      agent: "validator \(index)"
    )
  }

  private static func wallet(
    of net: TestNet,
    calling others: [ValidatorIndex: SocketAddress]
  ) -> MeshNetwork.Settings {
    MeshNetwork.Settings(
      genesis: net.genesis,
      identity: .wallet,
      validators: others.mapValues { HostPort(host: "127.0.0.1", port: $0.port) },
      agent: "wallet"
    )
  }

  @Test("A wallet shakes hands with a validator and asks what network it is in")
  func queryNetwork() async throws {
    try await withLoop { loop in
      let net = try TestNet()
      let info = NetworkInfo(epoch: .zero, logHead: 7, genesis: net.genesis.encoded)
      let validator = try NetworkEnd(Self.validator(0, of: net), on: loop) { request in
        request == .network ? [.network(info)] : []
      }
      let address = try #require(try await validator.start())
      let wallet = try NetworkEnd(Self.wallet(of: net, calling: [Self.index(0): address]), on: loop)
      try await wallet.start()
      let peer = await wallet.peer(.validator(Self.index(0)))
      let exchange = await wallet.ask(.network, of: peer)
      #expect(await wallet.responses(to: exchange) == [.network(info)])
      #expect(Array(await validator.peers.values) == [.wallet])
      await wallet.send(.ping(Ping(nonce: 1, sentMs: 2)), to: peer)
      await wallet.waitFor { $0.pongs == [Pong(ping: Ping(nonce: 1, sentMs: 2), logHead: 7)] }
      await wallet.stop()
      await validator.waitFor { $0.peers.isEmpty }
      await validator.stop()
    }
  }

  @Test("Of two validators the lower index calls, and both may ask")
  func validators() async throws {
    try await withLoop { loop in
      let net = try TestNet()
      let digest = StateDigest(logCount: 1, accounts: 2, digest: .zero)
      let higher = try NetworkEnd(Self.validator(2, of: net), on: loop) { _ in [.digest(digest)] }
      let address = try #require(try await higher.start())
      let lower = try NetworkEnd(
        Self.validator(1, of: net, calling: [Self.index(2): address]),
        on: loop
      ) {
        _ in [.digest(digest)]
      }
      try await lower.start()
      let there = await lower.peer(.validator(Self.index(2)))
      let back = await higher.peer(.validator(Self.index(1)))
      let asked = await lower.ask(.digest, of: there)
      let askedBack = await higher.ask(.digest, of: back)
      #expect(await lower.responses(to: asked) == [.digest(digest)])
      #expect(await higher.responses(to: askedBack) == [.digest(digest)])
      await lower.stop()
      await higher.stop()
    }
  }
}
