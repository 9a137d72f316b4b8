import Kernel
import TinyChain

/// Blocks of this node's own.
extension PeerMachine {
  /// Drafts whose nonce may still be found; those of an earlier tip are of no use.
  static let draftsMax = 8

  mutating func draft(for producer: Address, _ request: RequestID) {
    guard configuration.canary == .mineBehind || !isCatchingUp() else {
      effects.append(.reply(.catchingUp(tree.best.header.height), request))
      return
    }
    guard let past = tree.lineage(of: chain.tip.id) else { preconditionFailure("it was executed") }
    let header = tree.sequencer.draft(after: past, at: seconds, for: producer)
    _ = start(.draft(header, pool.offers(upon: chain), upon: chain, request))
  }

  /// Notes the end of catching up when it comes, and not when somebody first wants to mine.
  mutating func lookWhetherCaughtUp() {
    guard !catchUp.isDone else { return }
    // Without anybody's word it is too early to say: there may be peers still to be named.
    guard peers.values.contains(where: { $0.hello != nil }) || !catchUp.isYoung(now) else { return }
    _ = isCatchingUp()
  }

  /// Whether others have more than this node, so that a block of its own would be left behind.
  ///
  /// At the start what peers claim counts, be it shown or not, and that some may not have answered
  /// yet; later only headers far ahead, for a claim costs nothing. None of it counts for ever.
  private mutating func isCatchingUp() -> Bool {
    let tip = tip
    let shown = candidates.first
    let isPatient = catchUp.isPatient(now)
    if let shown, isPatient, shown.header.height > tip.header.height + CatchUp.behindMax {
      return true
    }
    guard !catchUp.isDone else { return false }
    // One that cannot be called back can claim what it likes, and is never asked to show it.
    let others = peers.values.filter { $0.link.address.port != 0 }
    let claimed = others.filter { $0.hello != nil }.map(\.work).max() ?? .zero
    if isPatient, shown != nil || claimed > tip.work { return true }
    let isAlone = !others.contains { $0.hello != nil }
    if isAlone, catchUp.isYoung(now), book.count > 0 || !others.isEmpty { return true }
    catchUp.finish()
    effects.append(.report(.caughtUp(tip.header)))
    return false
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
