import Kernel
import TinyChain

/// How full a bounded table is.
public struct TableSize: Sendable {
  public let name: String
  public let count: Int
  public let limit: Int
}

extension PeerMachine {
  /// Every table that others can make grow, with its bound: for metrics and for the simulator.
  public var tableSizes: [TableSize] {
    func most(_ count: (Peer) -> Int) -> Int { peers.values.map(count).max() ?? 0 }
    return [
      TableSize(
        name: "peers",
        count: peers.count,
        limit: Self.inboundMax + 2 * Self.outboundMax + 2
      ),
      TableSize(name: "questions", count: most(\.questions.count), limit: Peer.questionsMax),
      TableSize(name: "known transactions", count: most(\.known.count), limit: Peer.knownMax),
      TableSize(name: "lacked bodies", count: most(\.lacks.count), limit: Peer.lacksMax),
      TableSize(name: "offers", count: most(\.offers.count), limit: PeerLimits.offersMax),
      TableSize(
        name: "counted messages",
        count: most { $0.sync?.ends.count ?? 0 },
        limit: HeaderSync.messagesMax
      ),
      TableSize(name: "short blocks", count: shorts.partials.count, limit: ShortBlocks.partialsMax),
      TableSize(name: "known bodies", count: fetch.count, limit: BodyFetch.knownMax),
      TableSize(
        name: "deferred branches",
        count: fetch.deferred.count,
        limit: HeaderTree.leavesMax
      ),
      // Two more come with one input at most, and leave with the next.
      TableSize(name: "branches", count: tree.leaves.count, limit: HeaderTree.leavesMax + 2),
      TableSize(name: "addresses", count: book.count, limit: PeerBook.addressesMax),
      TableSize(name: "bans", count: bans.count, limit: Self.bansMax),
      TableSize(name: "refused transactions", count: refused.count, limit: Self.refusedMax),
      TableSize(name: "pool", count: pool.count, limit: Mempool.countMax),
      TableSize(name: "ids of the pool", count: index.count, limit: 2 * Mempool.countMax + 65),
      TableSize(name: "unsaved transactions", count: unsaved.count, limit: Self.unsavedMax),
      TableSize(name: "bytes of the pool's ids", count: index.bytes, limit: PoolIndex.bytesMax),
      TableSize(name: "drafts", count: drafts.count, limit: Self.draftsMax),
      TableSize(name: "checks", count: checks, limit: Self.checksMax),
    ]
  }
}
