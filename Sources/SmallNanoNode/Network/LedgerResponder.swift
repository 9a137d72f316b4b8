import EventLoop
import Kernel
import SmallNano
import Synchronization

/// Answers what peers ask of the ledger, from what is committed and beside the node's loop.
///
/// One thread, so the reader has one user at a time; what waits for it is bounded by its queue.
///
/// `@unchecked Sendable`: `reader` is used inside `lock` only.
final class LedgerResponder: @unchecked Sendable {
  private let reader: LedgerReader
  private let lock = Mutex(())
  private let workers: Workers

  /// Questions that wait: the peers' own limits bound what each may ask.
  static let queueMax = 256

  init(reader: LedgerReader, workers: Workers) {
    self.reader = reader
    self.workers = workers
  }

  /// The answer; nil if the message is no question, or the file cannot be read.
  ///
  /// - Throws: `Workers.Failure` if too much waits.
  func answer(_ question: WireMessage) async throws -> WireMessage? {
    try await workers.run { _ in
      try self.lock.withLock { _ in try self.read(question) }
    }
  }

  private func read(_ question: WireMessage) throws -> WireMessage? {
    try reader.snapshot { tables in
      let ledger = LedgerSnapshot(tables)
      let answer: PeerMessage
      switch question {
      case .pullRequest(let request): answer = .pullResponse(request.answer(from: ledger))
      case .frontierRequest(let request): answer = .frontierResponse(request.answer(from: ledger))
      case .receivablesRequest(let request):
        answer = .receivablesResponse(request.answer(from: ledger))
      default: return nil
      }
      if let failure = ledger.failure { throw failure }
      return WireMessage(answer)
    }
  }
}

/// Tables as reads that do not throw: a failure is kept, and what is read then means nothing.
private final class LedgerSnapshot: ReadableLedger {
  private let tables: LedgerTables
  private(set) var failure: (any Error)?

  init(_ tables: LedgerTables) {
    self.tables = tables
  }

  func account(_ account: Account) -> AccountState? {
    read(nil) { try tables.account(account) }
  }

  func block(at slot: Slot) -> LedgerBlock? {
    read(nil) { try tables.block(at: slot) }
  }

  func accounts(from start: Account, limit: Int) -> [(account: Account, state: AccountState)] {
    read([]) { try tables.accounts(from: start, limit: limit) }
  }

  func receivables(from start: ReceivableKey, limit: Int) -> [Receivable] {
    read([]) { try tables.receivables(from: start, limit: limit) }
  }

  private func read<Result>(_ empty: Result, _ body: () throws -> Result) -> Result {
    guard failure == nil else { return empty }
    do {
      return try body()
    } catch {
      failure = error
      return empty
    }
  }
}
