public import EventLoop
import Kernel

/// The RPC's connection to the ledger, on a loop of its owner's choice.
///
/// Every call sees one committed state. Reads are bounded by their callers, for they hold up the
/// loop.
public actor LedgerReads {
  private nonisolated let loop: EventLoop
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    loop.asUnownedSerialExecutor()
  }

  private let access: NodeAccess
  private var reader: LedgerReader?

  /// Opens the ledger when it is first read.
  public init(access: NodeAccess, on loop: EventLoop) {
    self.access = access
    self.loop = loop
  }

  public func snapshot<Result: Sendable>(
    _ body: @Sendable (LedgerTables) throws -> Result
  ) throws -> Result {
    if let reader { return try reader.snapshot(body) }
    let reader = try LedgerReader(path: access.ledgerPath, parameters: access.parameters)
    self.reader = reader
    return try reader.snapshot(body)
  }
}
