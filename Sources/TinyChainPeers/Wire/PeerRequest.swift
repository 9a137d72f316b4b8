public import Kernel

/// What one node asks of another: a POST to the path of its name, which has one answer.
///
/// Whoever cannot be called back can still take part: it asks for headers and transactions now and
/// then, and what it announces is asked for in the answers that it gets.
public enum PeerRequest: Hashable, Sendable {
  public enum Path: String, CaseIterable, Sendable {
    case hello, headers, bodies, short, txs, peers
  }

  /// Comes first.
  ///
  /// Answered by `hello`.
  case hello(Hello)
  /// Some ids of the asker's chain, the newest first: what comes after the first that is known?
  ///
  /// Answered by `headers`.
  case headers(after: [Bytes32])
  /// Answered by `bodies`.
  case bodies([Bytes32])
  /// A new block; answered by `missing`.
  case short(ShortBlock)
  /// The transactions that were missing of a short block, in their order; answered by `done`.
  case complete(Bytes32, [[UInt8]])
  /// Names transactions; answered by `ids`: those that are wanted.
  case offer([Bytes32])
  /// Answered by `done`.
  case push([[UInt8]])
  /// Answered by `transactions`: those that are there.
  case fetch([Bytes32])
  /// Answered by `ids`: transactions that wait for a block.
  case list
  /// Answered by `addresses`.
  case peers

  /// What the answer depends on.
  public enum Kind: UInt8, CaseIterable, Sendable {
    case hello, headers, bodies, short, complete, offer, push, fetch, list, peers
  }

  public var kind: Kind {
    switch self {
    case .hello: .hello
    case .headers: .headers
    case .bodies: .bodies
    case .short: .short
    case .complete: .complete
    case .offer: .offer
    case .push: .push
    case .fetch: .fetch
    case .list: .list
    case .peers: .peers
    }
  }

  public var path: Path {
    switch self {
    case .hello: .hello
    case .headers: .headers
    case .bodies: .bodies
    case .short, .complete: .short
    case .offer, .push, .fetch, .list: .txs
    case .peers: .peers
    }
  }
}

// Items, by path:
// - hello: one, see `Hello`
// - headers: 1...64 ids; bodies: 1...16 ids
// - short: 00, then two of `ShortBlock`; or 01, id, transactions
// - txs: 00 and 1...1,024 ids to offer, 01 and 1...1,024 transactions, 02 and 1...1,024 ids to fetch, or 03
// - peers: none
extension PeerRequest {
  public var body: [UInt8] {
    switch self {
    case .hello(let hello): Items.joined([hello.bytes])
    case .headers(let ids), .bodies(let ids): Items.joined(ids.map(\.bytes))
    case .short(let block): Items.joined([[0]] + block.items)
    case .complete(let id, let transactions): Items.joined([[1], id.bytes] + transactions)
    case .offer(let ids): Items.joined([[0]] + ids.map(\.bytes))
    case .push(let transactions): Items.joined([[1]] + transactions)
    case .fetch(let ids): Items.joined([[2]] + ids.map(\.bytes))
    case .list: Items.joined([[3]])
    case .peers: []
    }
  }

  public init(path: Path, body: [UInt8]) throws(DecodingFailure) {
    switch path {
    case .hello: self = .hello(try Hello(try Items.only(body)))
    case .headers:
      let ids = try Items.ids(try Items.split(body, countMax: PeerLimits.locatorMax))
      self = .headers(after: try Self.some(ids))
    case .bodies:
      let ids = try Items.ids(try Items.split(body, countMax: PeerLimits.bodiesMax))
      self = .bodies(try Self.some(ids))
    case .short:
      let (kind, items) = try Self.split(body, countMax: PeerLimits.blockTransactionsMax + 1)
      switch kind {
      case 0: self = .short(try ShortBlock(items: items))
      case 1:
        guard let id = try Items.ids(items.prefix(1)).first else {
          throw DecodingFailure(.truncated, at: body.count)
        }
        self = .complete(id, Array(items.dropFirst()))
      default: throw DecodingFailure(.unknown("kind"), at: 4)
      }
    case .txs:
      let (kind, items) = try Self.split(body, countMax: PeerLimits.offersMax)
      switch kind {
      case 0: self = .offer(try Self.some(try Items.ids(items)))
      case 1: self = .push(try Self.some(Array(items)))
      case 2: self = .fetch(try Self.some(try Items.ids(items)))
      case 3:
        guard items.isEmpty else { throw DecodingFailure(.trailingBytes, at: 5) }
        self = .list
      default: throw DecodingFailure(.unknown("kind"), at: 4)
      }
    case .peers:
      guard body.isEmpty else { throw DecodingFailure(.trailingBytes, at: 0) }
      self = .peers
    }
  }

  /// The first item, of one byte, and the others.
  private static func split(
    _ body: [UInt8],
    countMax: Int
  ) throws(DecodingFailure) -> (kind: UInt8, items: ArraySlice<[UInt8]>) {
    let items = try Items.split(body, countMax: countMax + 1)
    guard let kind = items.first?.first else { throw DecodingFailure(.truncated, at: 0) }
    guard items[0].count == 1 else { throw DecodingFailure(.notCanonical("kind"), at: 0) }
    return (kind, items.dropFirst())
  }

  /// A request for nothing is none.
  private static func some<Element>(_ list: [Element]) throws(DecodingFailure) -> [Element] {
    guard !list.isEmpty else { throw DecodingFailure(.truncated, at: 0) }
    return list
  }
}
