import EventLoop
import HTTP
import Kernel
import TinyChain
import TinyChainPeers

/// Headers of one line, as answers of 2,000 each.
struct HeaderLine: Sendable {
  /// The bodies of the answers to `/p2p/headers`.
  let answers: [[UInt8]]
  /// The answer that goes on from this id.
  fileprivate let next: [Bytes32: Int]
  let genesis: Bytes32
  let tip: HeaderEntry

  /// Mines them, at times around the interval.
  ///
  /// - Parameters:
  ///   - count: a multiple of `PeerLimits.headersMax`.
  ///   - parameters: of a network with little work.
  ///   - rule: of these parameters.
  /// - Throws: `Rejection` if what it mines breaks a rule, which is a bug.
  init(_ count: Int, _ parameters: NetworkParameters, _ rule: WorkRule) throws {
    var tree = HeaderTree(parameters, rule, source: NoSource())
    var random = SplitMix64(seed: 1)
    var (answers, next) = ([[UInt8]](), [tree.best.id: 0])
    while tree.best.header.height < count {
      var headers: [Header] = []
      for _ in 0..<PeerLimits.headersMax {
        guard let past = tree.lineage(of: tree.best.id) else { preconditionFailure("it was added") }
        let time = past.tip.header.time + random.next() % UInt64(2 * rule.interval + 1)
        var header = tree.sequencer.draft(after: past, at: time, for: .zero)
        (header.parent, header.height) = (past.tip.id, past.tip.header.height + 1)
        while rule.digest(of: header, id: header.id) > UInt256(compact: header.bits) ?? .zero {
          header.nonce += 1
        }
        _ = try tree.add(header, id: header.id, now: .max / 2)
        headers.append(header)
      }
      tree.settle()
      answers.append(PeerAnswer.headers(headers).body)
      next[tree.best.id] = answers.count
    }
    (self.answers, self.next) = (answers, next)
    (genesis, tip) = (tree.genesis.id, tree.best)
  }
}

/// Has nothing: the window of a tree that only grows at its end is enough.
struct NoSource: HeaderSource {
  func entry(of id: Bytes32) -> HeaderEntry? { nil }
  func best(at height: UInt32) -> Bytes32? { nil }
}

/// A peer that has headers and, as it says when asked, none of their bodies.
struct HeaderPeer: Sendable {
  let server: HTTPServer

  /// Listens on loopback, at a port that the system chooses.
  init(_ line: HeaderLine, on loop: EventLoop) async throws {
    server = try await HTTPServer(at: SocketAddress(.loopbackV4, port: 0), on: loop) { request in
      let name = request.path.split(separator: "/").last.map(String.init) ?? ""
      guard let path = PeerRequest.Path(rawValue: name),
        let call = try? PeerRequest(path: path, body: request.body)
      else { return HTTPResponse(status: 400, text: "not understood\n") }
      var response = HTTPResponse(
        contentType: "application/octet-stream",
        body: Self.answer(to: call, line)
      )
      response.fields.append("tinychain-node", Self.number.littleEndianBytes.hex)
      return response
    }
  }

  private static let number: UInt64 = 7

  private static func answer(to request: PeerRequest, _ line: HeaderLine) -> [UInt8] {
    switch request {
    case .hello:
      // Nobody can call it, so that nobody does.
      let work = line.tip.work.bigEndianBytes
      let hello = Hello(
        genesis: line.genesis,
        nonce: number,
        port: 0,
        tip: line.tip.id,
        work: work
      )
      return PeerAnswer.hello(hello).body
    case .headers(let locator):
      let first = locator.lazy.compactMap { line.next[$0] }.first ?? 0
      return first < line.answers.count ? line.answers[first] : PeerAnswer.headers([]).body
    case .bodies(let ids): return PeerAnswer.bodies(ids.map { _ in nil }).body
    case .short: return PeerAnswer.missing([]).body
    case .fetch: return PeerAnswer.transactions([]).body
    case .offer, .list: return PeerAnswer.ids([]).body
    case .peers: return PeerAnswer.addresses([]).body
    case .complete, .push: return PeerAnswer.done.body
    }
  }
}
