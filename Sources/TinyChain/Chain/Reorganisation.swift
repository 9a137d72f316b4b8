public import Kernel

/// A block that has the transactions its header names, and is invalid for good.
public struct InvalidBlock: Error, Hashable, Sendable {
  public let id: Bytes32
  public let reason: Rejection
}

extension Chain {
  /// Leaves blocks for those of another branch; where one of these is invalid, nothing changes.
  ///
  /// Those to undo are told newest first, by their changes and the block before; those to execute
  /// oldest first, with the transactions that their headers name.
  public mutating func reorganise(
    undoing undone: [(changes: [StateChange], parent: Header, id: Bytes32)],
    executing blocks: [Block]
  ) throws(InvalidBlock) -> [ExecutedBlock] {
    var (branch, executed) = (self, [ExecutedBlock]())
    for block in undone { branch.undo(block.changes, to: block.parent, id: block.id) }
    for block in blocks {
      do throws(Rejection) {
        let block = try branch.executed(block)
        branch.append(block)
        executed.append(block)
      } catch {
        throw InvalidBlock(id: block.header.id, reason: error)
      }
    }
    self = branch
    return executed
  }
}

extension Mempool {
  /// Transactions of blocks that were undone come back, as far as the chain now has not done them.
  public mutating func takeBack(_ undone: [SignedTransaction], upon chain: Chain) {
    update(upon: chain)
    // What is refused is done, can no longer be paid, or is the cheapest of too many.
    for transaction in undone { try? add(transaction, upon: chain) }
  }
}
