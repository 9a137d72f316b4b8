import Kernel
import TinyChain

/// Transactions that wait for a block, in memory and in the store.
///
/// The store has what the index has: so it is bounded as the index is, and what it has beyond the
/// pool leaves both together.
extension PeerMachine {
  /// Transactions of peers that are not stored yet.
  ///
  /// They are written together once a second, as others have them too. One that was submitted here is
  /// stored before its sender hears of it.
  static let unsavedMax = 1_024

  /// Takes a transaction in; who calls sees to it that it is stored.
  mutating func enter(_ transaction: SignedTransaction) throws(Rejection) {
    try pool.add(transaction, upon: chain)
    forget(index.add(transaction, pool))
  }

  /// The chain has another tip: what is done or can no longer be paid leaves.
  mutating func updatePool() {
    forget(index.update(pool))
    effects.append(.report(.poolChanged(pool.count)))
  }

  private mutating func forget(_ ids: [Bytes32]) {
    if !ids.isEmpty { change.operations.append(.unpooled(ids)) }
  }

  mutating func saveLater(_ id: Bytes32) {
    unsaved.append(id)
    if unsaved.count >= Self.unsavedMax { savePool() }
  }

  /// Stores what peers have sent since the last time.
  mutating func savePool() {
    guard !unsaved.isEmpty else { return }
    let transactions = unsaved.compactMap { index.transaction($0, pool) }
    unsaved = []
    if !transactions.isEmpty { change.operations.append(.pooled(transactions)) }
  }

  /// Takes in again what was stored, as far as the chain's rules still allow it.
  mutating func restorePool(_ stored: [[UInt8]]) {
    var gone: [Bytes32] = []
    for bytes in stored {
      do throws(Rejection) {
        try enter(try SignedTransaction(bytes))
      } catch {
        gone.append(SHA256.double(bytes))
      }
    }
    forget(gone)
  }
}
