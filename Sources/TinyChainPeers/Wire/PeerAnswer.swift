public import Kernel
public import TinyChain

/// What is answered to a `PeerRequest`.
public enum PeerAnswer: Hashable, Sendable {
  case hello(Hello)
  /// In their order, each the parent of the next; none if nothing comes after the locator.
  ///
  /// Fewer than `PeerLimits.headersMax` are the end of the chain.
  case headers([Header])
  /// The transactions of each block that was asked for, as `Block.bytes` has them, or nil.
  ///
  /// The list ends early where the answer was full.
  case bodies([[UInt8]?])
  /// Indices of transactions, ascending.
  case missing([Int])
  case ids([Bytes32])
  case transactions([[UInt8]])
  case addresses([SocketAddress])
  case done
  /// Ask again later: status 429, and no body.
  case busy
}

// Items: a header 180, a body (00, or 01 ‖ transactions, each behind its length 4), indices of 2 bytes in one
// item, an id 32, a transaction, an address 18. `done` has none.
extension PeerAnswer {
  public var body: [UInt8] {
    switch self {
    case .hello(let hello): Items.joined([hello.bytes])
    case .headers(let headers): Items.joined(headers.map(\.bytes))
    case .bodies(let bodies): Items.joined(bodies.map { $0.map { [1] + $0 } ?? [0] })
    case .missing(let indices):
      Items.joined([indices.flatMap { UInt16(truncatingIfNeeded: $0).littleEndianBytes }])
    case .ids(let ids): Items.joined(ids.map(\.bytes))
    case .transactions(let transactions): Items.joined(transactions)
    case .addresses(let addresses):
      Items.joined(
        addresses.map { address in
          var writer = ByteWriter(capacity: SocketAddress.wireSize)
          address.write(to: &writer)
          return writer.bytes
        }
      )
    case .done, .busy: []
    }
  }

  /// Reads the body of an answer with status 200.
  public init(to request: PeerRequest.Kind, body: [UInt8]) throws(DecodingFailure) {
    switch request {
    case .hello: self = .hello(try Hello(try Items.only(body)))
    case .headers:
      var headers: [Header] = []
      for item in try Items.split(body, countMax: PeerLimits.headersMax) {
        headers.append(try Header(item))
      }
      self = .headers(headers)
    case .bodies:
      var bodies: [[UInt8]?] = []
      for item in try Items.split(body, countMax: PeerLimits.bodiesMax) {
        switch item.first {
        case 0 where item.count == 1: bodies.append(nil)
        case 1: bodies.append(Array(item.dropFirst()))
        default: throw DecodingFailure(.unknown("body"), at: 0)
        }
      }
      self = .bodies(bodies)
    case .short: self = .missing(try Self.indices(try Items.only(body)))
    case .offer, .list:
      self = .ids(try Items.ids(try Items.split(body, countMax: PeerLimits.offersMax)))
    case .fetch: self = .transactions(try Items.split(body, countMax: PeerLimits.offersMax))
    case .peers:
      var addresses: [SocketAddress] = []
      for item in try Items.split(body, countMax: PeerLimits.addressesMax) {
        var reader = ByteReader(item)
        addresses.append(try SocketAddress(from: &reader))
        try reader.finish()
      }
      self = .addresses(addresses)
    case .complete, .push:
      guard body.isEmpty else { throw DecodingFailure(.trailingBytes, at: 0) }
      self = .done
    }
  }

  private static func indices(_ item: [UInt8]) throws(DecodingFailure) -> [Int] {
    var reader = ByteReader(item)
    guard item.count <= 2 * PeerLimits.blockTransactionsMax else {
      throw reader.failure(.tooLong("indices"))
    }
    var indices: [Int] = []
    while reader.remaining > 0 {
      let index = Int(try reader.uint16())
      guard index > indices.last ?? -1 else { throw reader.failure(.notCanonical("index")) }
      indices.append(index)
    }
    return indices
  }
}
