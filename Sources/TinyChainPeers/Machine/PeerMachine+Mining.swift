import Kernel
import TinyChain

/// Blocks of this node's own.
extension PeerMachine {
  /// Drafts whose nonce may still be found; those of an earlier tip are of no use.
  static let draftsMax = 8

  mutating func draft(for producer: Address, _ request: RequestID) {
    guard let past = tree.lineage(of: chain.tip.id) else { preconditionFailure("it was executed") }
    let header = tree.sequencer.draft(after: past, at: seconds, for: producer)
    _ = start(.draft(header, pool.offers(upon: chain), upon: chain, request))
  }

  mutating func take(draft block: ExecutedBlock, for request: RequestID) {
    if block.header.parent == chain.tip.id {
      drafts.append(block)
      if drafts.count > Self.draftsMax { drafts.removeFirst() }
    }
    effects.append(.reply(.draft(block.block), request))
  }

  /// A block with its work: it becomes the tip if it still follows it.
  mutating func mined(_ block: Block, _ request: RequestID) {
    do throws(Rejection) {
      guard let parent = tree.entry(of: block.header.parent), parent.work >= tip.work else {
        throw .wrongParent
      }
      guard let entry = try tree.add(block.header, id: block.header.id, now: seconds) else {
        throw .alreadyKnown
      }
      change.operations.append(.headers([entry]))
      var draft = block.header
      draft.nonce = 0
      if var executed = drafts.first(where: { $0.header == draft }),
        draft.parent == chain.tip.id
      {
        executed.header = block.header
        var trial = BodyFetch.Trial(chain: chain, undone: [], applied: [executed])
        trial.chain.append(executed)
        move(trial)
      } else {
        guard accept(block.transactions.map(\.bytes), of: entry, from: nil) else {
          throw .wrongTransactionRoot
        }
      }
      effects.append(.reply(.mined(entry.id), request))
    } catch {
      effects.append(.reply(.rejected(error), request))
    }
  }
}
