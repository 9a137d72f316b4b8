public import Kernel
public import TinyChain

/// What somebody knows who keeps headers alone: 180 bytes a block.
///
/// The genesis block it has from the parameters; each header names its parent, and commits to the
/// state, the transactions and the receipts of its block. So a node cannot tell it anything of them
/// that is not so, once the newest header is believed.
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

  public private(set) var headers: [Header]
  private let sequencer = InstantSequencer()

  public init(_ parameters: NetworkParameters) {
    headers = [parameters.genesis.header]
  }

  public var tip: Header { headers[headers.count - 1] }

  /// Takes headers that follow those it has, the genesis block's first if it has no other yet.
  public mutating func take(_ encoded: [[UInt8]]) throws(Failure) {
    for bytes in encoded {
      guard let header = try? Header(bytes) else { throw .notAHeader(height: headers.count) }
      if header.height == 0 {
        guard header == headers[0] else { throw .otherGenesis }
        continue
      }
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
  public mutating func follow(_ node: ChainClient) async throws {
    while true {
      let before = headers.count
      let answer = try await node.call("get_headers", ["from": JSON(before), "count": 2_000])
      let encoded = (answer.array ?? []).compactMap { $0.string.flatMap { [UInt8](hex: $0) } }
      try take(encoded)
      if headers.count == before { return }
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
