public import Kernel
public import TinyChain

/// What takes a node long: signatures, and the execution of blocks.
public enum PeerJob: Computation {
  /// A way for the chain to go: back, and on.
  public struct Way: Sendable {
    /// Where it begins.
    let chain: Chain
    /// The blocks to go back over, newest first.
    let undone: [Undone]
    let applied: [Body]
    var acceptsAll = false

    struct Undone: Sendable {
      let changes: [StateChange]
      let parent: Header
      let parentID: Bytes32
      let transactions: [[UInt8]]
    }

    struct Body: Sendable {
      let header: Header
      let id: Bytes32
      let transactions: [[UInt8]]
    }
  }

  /// How far the way led.
  public struct Arrival: Sendable {
    /// Where the way began.
    let start: Bytes32
    let chain: Chain
    let applied: [ExecutedBlock]
    /// Of blocks that were undone.
    let returned: [SignedTransaction]
    let failure: Failure?

    struct Failure: Sendable {
      let id: Bytes32
      let reason: Rejection
    }
  }

  public enum Output: Sendable {
    case arrived(Arrival)
    case checked([Result<SignedTransaction, Rejection>], PeerID)
    case drafted(ExecutedBlock, RequestID)
  }

  case go(Way)
  /// Transactions that a peer sent.
  case check([[UInt8]], from: PeerID)
  /// A block of what is offered.
  case draft(Header, [SignedTransaction], upon: Chain, RequestID)

  public func run() -> Output {
    switch self {
    case .go(let way): .arrived(way.arrival)
    case .check(let transactions, let peer): .checked(transactions.map(Self.signed), peer)
    case .draft(let header, let transactions, let chain, let request):
      .drafted(chain.executed(transactions, under: header), request)
    }
  }

  static func signed(_ bytes: [UInt8]) -> Result<SignedTransaction, Rejection> {
    Result { () throws(Rejection) in try SignedTransaction(bytes) }
  }
}

extension PeerJob.Way {
  var arrival: PeerJob.Arrival {
    var (chain, blocks, failure) = (chain, [ExecutedBlock](), PeerJob.Arrival.Failure?.none)
    let start = chain.tip.id
    for block in undone { chain.undo(block.changes, to: block.parent, id: block.parentID) }
    for body in applied {
      do throws(Rejection) {
        let block = try executed(body, upon: chain)
        chain.append(block)
        blocks.append(block)
      } catch {
        failure = .init(id: body.id, reason: error)
        break
      }
    }
    return PeerJob.Arrival(
      start: start,
      chain: chain,
      applied: blocks,
      returned: returned(beside: blocks),
      failure: failure
    )
  }

  private func executed(_ body: Body, upon chain: Chain) throws(Rejection) -> ExecutedBlock {
    var transactions: [SignedTransaction] = []
    for bytes in body.transactions { transactions.append(try SignedTransaction(bytes)) }
    guard acceptsAll else {
      return try chain.executed(Block(header: body.header, transactions: transactions))
    }
    var block = chain.executed(transactions, under: body.header)
    block.header = body.header
    return block
  }

  /// What was in blocks that are undone and is not in those that take their place, oldest first.
  private func returned(beside blocks: [ExecutedBlock]) -> [SignedTransaction] {
    let kept = Set(blocks.flatMap { $0.transactions.map(\.id) })
    return undone.reversed().flatMap(\.transactions).compactMap { bytes in
      guard !kept.contains(SHA256.double(bytes)) else { return nil }
      return try? SignedTransaction(bytes)  // it was executed here: it is right
    }
  }
}
