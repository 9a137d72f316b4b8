import Kernel
import Simulation
import TinyChain
import TinyChainPeers

/// What nodes of a mined chain say to each other, and the machine that hears it.
extension FuzzTargets {
  static let tinyChainPeers =
    PeerRequest.Path.allCases.map(peerRequest) + PeerRequest.Kind.allCases.map(peerAnswer)
    + [peerMachine]

  private static func peerRequest(_ path: PeerRequest.Path) -> FuzzTarget {
    FuzzTarget(
      "tinychain-request-\(path)",
      seeds: peerRequests.filter { $0.path == path }.map(\.body)
    ) { input in
      guard let request = try? PeerRequest(path: path, body: input) else { return .refused }
      return same(request.body, input)
    }
  }

  private static func peerAnswer(_ kind: PeerRequest.Kind) -> FuzzTarget {
    FuzzTarget(
      "tinychain-answer-\(kind)",
      seeds: peerAnswers.compactMap { answer in
        (try? PeerAnswer(to: kind, body: answer.body)).map(\.body)
      }
    ) { input in
      guard let answer = try? PeerAnswer(to: kind, body: input) else { return .refused }
      return same(answer.body, input)
    }
  }

  /// Path or kind 1 ‖ body: whatever a peer asks or answers, no table of the machine is beyond its bound.
  private static let peerMachine = FuzzTarget(
    "tinychain-peer-machine",
    seeds: peerRequests.map { request in
      let index = PeerRequest.Path.allCases.firstIndex(of: request.path) ?? 0
      return [UInt8(index)] + request.body
    }
      + ([.headers, .list, .peers] as [PeerRequest.Kind]).flatMap { kind in  // asked at once
        peerAnswers.compactMap { answer in
          (try? PeerAnswer(to: kind, body: answer.body)).map { [128 | kind.rawValue] + $0.body }
        }
      },
    cost: 40
  ) { input in
    guard let first = input.first else { return .refused }
    let body = Array(input.dropFirst())
    var hearing = Hearing()
    if first < 128 {
      let paths = PeerRequest.Path.allCases
      guard let request = try? PeerRequest(path: paths[Int(first) % paths.count], body: body) else {
        return .refused
      }
      hearing.feed(.received(.request(request, number: 1), from: PeerID(1)))
    } else {
      let kinds = PeerRequest.Kind.allCases
      let kind = kinds[Int(first & 127) % kinds.count]
      guard let answer = try? PeerAnswer(to: kind, body: body),
        let number = hearing.questions.first(where: { $0.kind == kind })?.number
      else { return .refused }
      hearing.feed(.received(.answer(answer, number: number), from: PeerID(1)))
    }
    let isBounded = hearing.machine.tableSizes.allSatisfy { $0.count <= $0.limit }
    return isBounded ? .accepted : .broken("a table beyond its bound")
  }

  /// A machine that a peer has greeted, and what it asked.
  private struct Hearing {
    private(set) var machine: PeerMachine
    private(set) var questions: [(kind: PeerRequest.Kind, number: UInt64)] = []
    private static let now = Instant(milliseconds: (minedChain.tip.header.time + 10_000) * 1_000)

    init() {
      machine = PeerMachine(
        store: MemoryStore(NodeRecords(minedChain)),
        chain: minedChain,
        leaves: [],
        configuration: .init(minedChain.parameters, nonce: 1, port: 1, seed: 1)
      )
      let link = PeerLink(address: SocketAddress(.loopbackV4, port: 1), isOutbound: true)
      feed(.connected(PeerID(1), link))
      let number = questions.removeFirst().number
      feed(.received(.answer(.hello(peerHello), number: number), from: PeerID(1)))
    }

    mutating func feed(_ input: Input<PeerMachine>) {
      var inputs = [input]
      while let input = inputs.popLast() {
        for effect in machine.handle(input, now: Self.now) {
          switch effect {
          case .send(.request(let request, let number), _):
            questions.append((request.kind, number))
          case .start(let job, let id): inputs.append(.finished(job.run(), id))
          default: break  // nobody else listens
          }
        }
      }
    }
  }

  // MARK: Samples

  private static let minedChain: Chain = {
    var network = NetworkParameters.minedDev
    network.work?.hash = .simulated
    return Chain(network)
  }()

  private static let peerHello = Hello(
    genesis: minedChain.tip.id,
    nonce: 2,
    port: 5_100,
    tip: .zero,
    work: UInt256(1 << 30).bigEndianBytes
  )

  private static let minedHeader: Header = {
    let parent = minedChain.tip
    var header = Header(time: parent.header.time + 2, bits: parent.header.bits)
    (header.height, header.parent, header.nonce) = (1, parent.id, 1)
    return minedChain.executed([], under: header).header
  }()

  private static let payment: SignedTransaction = {
    var payment = Transaction(.transfer, value: 5)
    (payment.chainID, payment.gasLimit) = (minedChain.id, 30_000)
    return SignedTransaction(payment, by: NetworkParameters.faucetKey)
  }()

  private static let peerRequests: [PeerRequest] = [
    .hello(peerHello), .headers(after: [minedChain.tip.id]), .bodies([minedHeader.id, .zero]),
    .short(ShortBlock(minedHeader, salt: 1, transactions: [])),
    .short(ShortBlock(minedHeader, salt: 1, transactions: [payment.id])),
    .complete(minedHeader.id, [payment.bytes]), .offer([payment.id]), .push([payment.bytes]),
    .fetch([payment.id]), .list, .peers,
  ]

  private static let peerAnswers: [PeerAnswer] = [
    .hello(peerHello), .headers([minedHeader]), .bodies([[], nil]), .missing([0, 2]),
    .ids([payment.id]), .transactions([payment.bytes]), .done,
    .addresses([SocketAddress(.loopbackV4, port: 7)]),
  ]
}
