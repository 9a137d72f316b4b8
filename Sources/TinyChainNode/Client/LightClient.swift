public import Kernel
public import TinyChain

/// What somebody knows who keeps headers alone: 180 bytes a block.
///
/// The genesis block it has from the parameters; each header names its parent, and commits to the
/// state, the transactions and the receipts of its block. So a node cannot tell it anything of them
/// that is not so, once the newest header is believed. Where blocks are mined, believed is the chain
/// of most work: to make another costs what all of that work has cost.
public struct LightClient: Sendable {
  /// Why what a node says is not believed.
  public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    case notAHeader(height: Int)
    case otherGenesis
    case unlinked(height: Int)
    case badHeader(height: Int, Rejection)
    case unknownHeader
    case badProof
    /// The proof shows something else than was said.
    case otherValue

    public var description: String {
      switch self {
      case .notAHeader(let height): "header \(height) cannot be read"
      case .otherGenesis: "the node's chain begins with another genesis block"
      case .unlinked(let height): "header \(height) does not follow the one before it"
      case .badHeader(let height, let rejection):
        "header \(height) is not valid: \(rejection.explanation)"
      case .unknownHeader: "the answer is about a block whose header is not known"
      case .badProof: "the proof shows nothing"
      case .otherValue: "the proof shows another value than the node says"
      }
    }
  }

  public let parameters: NetworkParameters
  /// The chain, from the genesis block on.
  public private(set) var headers: [Header]
  /// Where blocks are mined: all branches that it was told of.
  private var tree: HeaderTree?
  private let sequencer = InstantSequencer()

  public init(_ parameters: NetworkParameters) {
    self.parameters = parameters
    headers = [parameters.genesis.header]
    tree = parameters.work.map { HeaderTree(parameters, $0, source: NoHeaders()) }
  }

  public var tip: Header { headers[headers.count - 1] }

  /// Takes headers in their order; those it has already do no harm.
  ///
  /// - Parameters:
  ///   - encoded: 180 bytes each.
  ///   - now: seconds of a clock; blocks of later are not taken.
  /// - Throws: what is wrong with the first that is.
  public mutating func take(_ encoded: [[UInt8]], now: UInt64) throws(Failure) {
    for bytes in encoded {
      guard let header = try? Header(bytes) else { throw .notAHeader(height: headers.count) }
      if header.height == 0 {
        guard header == headers[0] else { throw .otherGenesis }
      } else if tree == nil {
        try takeNext(header)
      } else {
        try takeMined(header, now: now)
      }
    }
    follow()
  }

  private mutating func takeNext(_ header: Header) throws(Failure) {
    guard header.height == tip.height + 1, header.parent == tip.id else {
      throw .unlinked(height: Int(header.height))
    }
    do throws(Rejection) {
      try sequencer.check(header, after: tip, at: header.time)
    } catch {
      throw .badHeader(height: Int(header.height), error)
    }
    headers.append(header)
  }

  private mutating func takeMined(_ header: Header, now: UInt64) throws(Failure) {
    do throws(Rejection) {
      _ = try tree?.add(header, id: header.id, now: now)
    } catch .wrongParent {
      throw .unlinked(height: Int(header.height))
    } catch {
      throw .badHeader(height: Int(header.height), error)
    }
  }

  /// Makes the branch of most work the chain.
  private mutating func follow() {
    guard let tree else { return }
    var (newer, next) = ([Header](), tree.best)
    while Int(next.header.height) >= headers.count
      || headers[Int(next.header.height)] != next.header
    {
      newer.append(next.header)
      guard let parent = tree.entry(of: next.header.parent) else { break }
      next = parent
    }
    headers = headers.prefix(Int(next.header.height) + 1) + newer.reversed()
  }

  /// A tree that forgets nothing has no need of a source.
  private struct NoHeaders: HeaderSource {
    func entry(of id: Bytes32) -> HeaderEntry? { nil }
    func best(at height: UInt32) -> Bytes32? { nil }
  }

  /// Checks that a block, which a header names, has a receipt at this place.
  public func check(
    receipt: [UInt8],
    index: Int,
    proof: [UInt8],
    header: [UInt8]
  ) throws(Failure) -> Receipt {
    let known = try self.header(header)
    let value = try value(MerkleTree.key(ofIndex: index), proof, under: known.receiptRoot)
    guard value == receipt, let receipt = try? Receipt(receipt) else { throw .otherValue }
    return receipt
  }

  /// What a leaf of the state was after a block; nil if there was none, which is shown too.
  public func leaf(_ key: [UInt8], proof: [UInt8], header: [UInt8]) throws(Failure) -> [UInt8]? {
    try value(key, proof, under: try self.header(header).stateRoot)
  }

  private func header(_ bytes: [UInt8]) throws(Failure) -> Header {
    guard let header = try? Header(bytes), header.height < headers.count,
      headers[Int(header.height)] == header
    else { throw .unknownHeader }
    return header
  }

  private func value(
    _ key: [UInt8],
    _ proof: [UInt8],
    under root: Bytes32
  ) throws(Failure) -> [UInt8]? {
    guard let proof = try? MerkleProof(proof) else { throw .badProof }
    do throws(Rejection) {
      return try proof.value(of: key, under: root)
    } catch {
      throw .badProof
    }
  }
}

extension LightClient {
  /// Asks a node for the headers it does not have yet.
  ///
  /// If the node is on another branch, also for those before, as far back as both part.
  public mutating func follow(_ node: ChainClient, now: UInt64) async throws {
    var (from, back, isLast) = (headers.count, 1, false)
    while !isLast {
      let answer = try await node.call("get_headers", ["from": JSON(from), "count": 2_000])
      let encoded = (answer.array ?? []).compactMap { $0.string.flatMap { [UInt8](hex: $0) } }
      if try joins(encoded, at: from, now: now) {
        (from, isLast) = (from + encoded.count, encoded.count < 2_000)
      } else {
        (from, back) = (max(1, from - back), back * 2)
      }
    }
  }

  /// Takes headers; false if they belong to a branch that has left the chain before them.
  private mutating func joins(
    _ encoded: [[UInt8]],
    at first: Int,
    now: UInt64
  ) throws(Failure) -> Bool {
    do throws(Failure) {
      try take(encoded, now: now)
      return true
    } catch {
      guard tree != nil, first > 1, error == .unlinked(height: first) else { throw error }
      return false
    }
  }

  /// Asks for the receipt of a transaction, and checks the answer.
  public func receipt(of id: Bytes32, from node: ChainClient) async throws -> (
    Receipt, height: UInt32
  ) {
    let answer = try await node.call("chain_getReceipt", ["id": JSON(id.bytes.hex)])
    let header = try answer.bytes("header")
    let receipt = try check(
      receipt: try answer.bytes("receipt"),
      index: try answer.number("index"),
      proof: try answer.bytes("proof"),
      header: header
    )
    return (receipt, try self.header(header).height)
  }

  /// Asks for a leaf of the state, and checks the answer.
  public func leaf(
    _ key: StateKey,
    from node: ChainClient
  ) async throws -> (value: [UInt8]?, height: UInt32) {
    let answer = try await node.call("chain_getProof", ["key": JSON(key.bytes.hex)])
    let header = try answer.bytes("header")
    let value = try leaf(key.bytes, proof: try answer.bytes("proof"), header: header)
    let said = answer["value"]?.string.flatMap { [UInt8](hex: $0) }
    guard said == value else { throw Failure.otherValue }
    return (value, try self.header(header).height)
  }
}
