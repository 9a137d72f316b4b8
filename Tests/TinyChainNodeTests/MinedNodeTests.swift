import EventLoop
import HTTP
import Kernel
import Mining
import Service
import Testing
import TinyChain
import TinyChainPeers

@testable import TinyChainNode

@Suite("A node that mines with others, in this process", .timeLimit(.minutes(5)))
struct MinedNodeTests {
  @Test("One mines, the other follows over loopback, and a payment finds its block")
  func follow() async throws {
    let miner = try await TestNode(mines: true)
    let follower = try await TestNode(peers: [miner.node])
    let account = try #require(Address([UInt8](repeating: 7, count: 20)))
    let chain = await follower.node.driver.inspect { $0.chain }
    let request = Request(.transfer, to: account, value: 5, gasLimit: 10_000)
    let payment = SignedTransaction(
      request.transaction(on: chain.id, nonce: 0, maxPrice: 10),
      by: NetworkParameters.faucetKey
    )
    _ = try await follower.node.driver.submit(.submit(payment))
    await follower.wait { $0.chain.state.account(account).balance == 5 }
    await miner.wait { $0.chain.state.account(account).balance == 5 }
    await follower.stop()
    await miner.stop()
  }

  @Test("Blocks that break a rule are refused by its name, and leave the tip as it was")
  func refusals() async throws {
    let node = try await TestNode()
    let good = try await node.block()
    let twice = try await node.block()
    let before = await node.tip()
    var unworked = good
    unworked.header.nonce += 1
    #expect(try await node.give(unworked) == .wrongWork)
    #expect(try await node.give(node.block { $0.time += 100_000 }) == .timeTooFar)
    #expect(try await node.give(node.block { $0.time = 5 }) == .wrongTime)
    #expect(try await node.give(node.block { $0.bits = 0x2000_ffff }) == .wrongBits)
    #expect(try await node.give(node.block { $0.bits = 0x1e7f_ff00 }) == .wrongBits)
    #expect(try await node.give(node.block { $0.height += 1 }) == .wrongHeight)
    #expect(try await node.give(node.block { $0.version = 2 }) == .wrongVersion)
    #expect(try await node.give(node.block { $0.parent = .zero }) == .wrongParent)
    #expect(
      try await node.give(node.block { $0.transactionRoot = .zero + 1 }) == .wrongTransactionRoot
    )
    #expect(await node.tip() == before)
    #expect(try await node.give(good) == nil)
    await node.wait { $0.chain.tip.header == good.header }
    // The same again, and another of the same height, come too late.
    #expect(try await node.give(good) == .wrongParent)
    #expect(try await node.give(twice) == .wrongParent)
    #expect(await node.tip() == good.header)
    await node.stop()
  }

  @Test(
    "Work upon what is not so is invalid for good, after a restart too",
    arguments: ["state root", "receipt root", "gas used", "a transaction twice"]
  )
  func invalid(what: String) async throws {
    let (id, place) = try await condemn(what)
    let again = try await TestNode(in: place)
    await again.wait { $0.tree.entry(of: id)?.status == .invalid }
    #expect(await again.tip().height == 0)
    await again.stop()
  }

  /// Gives a node a block with work that is not so, and stops it when it has found out.
  private func condemn(_ what: String) async throws -> (Bytes32, Place) {
    let node = try await TestNode()
    let chain = await node.node.driver.inspect { $0.chain }
    let request = Request(.transfer, to: NetworkParameters.faucet, value: 1, gasLimit: 10_000)
    let payment = SignedTransaction(
      request.transaction(on: chain.id, nonce: 0, maxPrice: 10),
      by: NetworkParameters.faucetKey
    )
    _ = try await node.node.driver.submit(.submit(payment))
    var block = try await node.block()
    switch what {
    case "state root": block.header.stateRoot = .zero
    case "receipt root": block.header.receiptRoot = .zero
    case "gas used": block.header.gasUsed += 1
    default:
      block = Block(header: block.header, transactions: [payment, payment])
      block.header.transactionRoot = MerkleTree(list: block.transactions.map(\.id.bytes)).root
    }
    let bad = try TestNode.mined(block)
    let id = bad.header.id
    #expect(try await node.give(bad) == nil)
    await node.wait { $0.tree.entry(of: id)?.status == .invalid }
    #expect(await node.tip().height == 0)
    await node.node.stop()
    return (id, node.place)
  }

  @Test("Who sends such a block is sent away, and told why")
  func banned() async throws {
    let node = try await TestNode()
    let stranger = try Stranger(77, to: node.node)
    #expect(try await stranger.send(.peers).status == 409)
    #expect(try await stranger.hello().status == 200)
    let bad = try await node.block { $0.stateRoot = .zero }
    let short = PeerRequest.short(ShortBlock(bad.header, salt: 5, transactions: []))
    let response = try await stranger.send(short)
    #expect(response.status == 200, "\(String(decoding: response.body, as: UTF8.self))")
    await node.wait { $0.tree.entry(of: bad.header.id)?.status == .invalid }
    let refusal = try await stranger.send(.peers)
    #expect(refusal.status == 403)
    #expect(String(decoding: refusal.body, as: UTF8.self).contains("banned"))
    // Another from the same machine has nothing to do with it.
    let other = try Stranger(78, to: node.node)
    #expect(try await other.hello().status == 200)
    await other.close()
    await stranger.close()
    await node.stop()
  }

  @Test("While a peer has more, callers are told to come back for a block to mine")
  func catchingUp() async throws {
    let strong = try await TestNode()
    #expect(try await strong.give(strong.block()) == nil)
    await strong.wait { $0.chain.tip.header.height == 1 }
    let weak = try await TestNode(peers: [strong.node])
    let loop = try EventLoop(name: "caller")
    let client = HTTPClient(to: weak.node.address, on: loop)
    // Either it has not caught up, and says so, or the block is upon the other's.
    let zero = String(repeating: "0", count: 39) + "1"
    var answer = ""
    repeat {
      let body = Array(#"{"producer":"\#(zero)"}"#.utf8)
      answer = String(
        decoding: try await client.send(.post, "/api/get_draft", body: body).body,
        as: UTF8.self
      )
      #expect(answer.contains(#""catching_up""#) || answer.contains(#""height":2"#), "\(answer)")
    } while !answer.contains(#""height":2"#)
    await client.close()
    await loop.shutdown()
    await weak.stop()
    await strong.stop()
  }

  @Test("A block longer than any call but this is taken over the API")
  func longBlock() async throws {
    let node = try await TestNode()
    let chain = await node.node.driver.inspect { $0.chain }
    let data = [UInt8](repeating: 7, count: 65_535)
    for nonce in 0..<60 as Range<UInt64> {
      let request = Request(
        .transfer,
        to: NetworkParameters.faucet,
        value: 1,
        data: data,
        gasLimit: 300_000
      )
      let payment = SignedTransaction(
        request.transaction(on: chain.id, nonce: nonce, maxPrice: 10),
        by: NetworkParameters.faucetKey
      )
      _ = try await node.node.driver.submit(.submit(payment))
    }
    let block = try await node.block()
    #expect(block.bytes.count > Block.bytesMax * 9 / 10)
    let loop = try EventLoop(name: "caller")
    let client = HTTPClient(to: node.node.address, on: loop)
    let call = Array(#"{"block":"\#(block.bytes.hex)"}"#.utf8)
    let answer = try await client.send(.post, "/api/broadcast_block", body: call)
    #expect(answer.status == 200, "\(String(decoding: answer.body.prefix(200), as: UTF8.self))")
    await node.wait { $0.chain.tip.header == block.header }
    let longer = [UInt8](repeating: 0x30, count: 2 * Block.bytesMax + 10_000)
    let refusal = try await client.send(.post, "/api/broadcast_block", body: longer)
    #expect(refusal.status == 413)
    await client.close()
    await loop.shutdown()
    await node.stop()
  }

  @Test("Bodies cut anywhere are refused, and the node goes on")
  func truncated() async throws {
    let node = try await TestNode()
    let stranger = try Stranger(79, to: node.node)
    let genesis = NetworkParameters.minedDev.genesis
    let requests: [PeerRequest] = [
      .headers(after: [genesis.id]), .bodies([genesis.id]), .offer([genesis.id]),
      .short(ShortBlock(genesis.header, salt: 1, transactions: [genesis.id])),
    ]
    for request in requests {
      let body = request.body
      for count in [0, 1, 3, 4, 5, body.count - 1] {
        let response = try await stranger.send(request.path.rawValue, Array(body.prefix(count)))
        #expect(response.status == 400, "\(request.path) cut to \(count)")
      }
    }
    #expect(try await stranger.hello(.zero).status == 403)
    #expect(try await stranger.hello().status == 200)
    let item: [UInt8] = [32, 0, 0, 0] + genesis.id.bytes
    let many = [[UInt8]](repeating: item, count: 65).flatMap { $0 }
    #expect(try await stranger.send("headers", many).status == 400)
    await stranger.close()
    await node.stop()
  }
}

extension Bytes32 {
  /// Another than this one.
  fileprivate static func + (value: Bytes32, more: UInt64) -> Bytes32 {
    Bytes32(words: (value.words.0 &+ more, value.words.1, value.words.2, value.words.3))
  }
}
