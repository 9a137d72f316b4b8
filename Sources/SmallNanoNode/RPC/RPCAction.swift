import Kernel
import SmallNano

/// What a handler may use.
struct RPCContext: Sendable {
  let access: NodeAccess
  let wallet: Wallet
  let ledger: LedgerReads
  let work: WorkSearch
  let workGate: WorkGate

  var parameters: NetworkParameters { access.parameters }

  func status() async throws -> ConsensusStatus {
    guard case .status(let status) = try await access.submit(.status) else {
      throw BlockRejection.notReady
    }
    return status
  }
}

/// Searches for work that clients have asked for and that run now.
///
/// Anyone who reaches the RPC can ask, and one search takes seconds of a core.
actor WorkGate {
  private var running = 0

  static let runningMax = 4

  func run<Result: Sendable>(
    _ body: @Sendable () async throws -> Result
  ) async throws -> Result {
    guard running < Self.runningMax else {
      throw RPCFailure(status: 429, "work_busy", "\(Self.runningMax) searches run: try again")
    }
    running += 1
    defer { running -= 1 }
    return try await body()
  }
}

/// One action: its name and fields for the client, and what it does.
public struct RPCAction: Sendable {
  public struct Field: Hashable, Sendable {
    public let name: String
    public let isRequired: Bool
    public let meaning: String

    static func required(_ name: String, _ meaning: String) -> Field {
      Field(name: name, isRequired: true, meaning: meaning)
    }

    static func optional(_ name: String, _ meaning: String) -> Field {
      Field(name: name, isRequired: false, meaning: meaning)
    }
  }

  public let name: String
  public let summary: String
  /// Whether the call must carry the bearer token.
  public let needsToken: Bool
  public let fields: [Field]
  let handler: @Sendable (RPCCall, RPCContext) async throws -> JSON

  init(
    _ name: String,
    _ summary: String,
    needsToken: Bool = false,
    _ fields: [Field] = [],
    handler: @escaping @Sendable (RPCCall, RPCContext) async throws -> JSON
  ) {
    self.name = name
    self.summary = summary
    self.needsToken = needsToken
    self.fields = fields
    self.handler = handler
  }

  /// The same action under another name, for Nano's older clients.
  func named(_ name: String) -> RPCAction {
    RPCAction(
      name,
      "Another name of \(self.name).",
      needsToken: needsToken,
      fields,
      handler: handler
    )
  }
}

/// Every action, in the order in which the documentation lists them.
public enum RPCActions {
  public static let all: [RPCAction] =
    node + consensus + accounts + blocks + work + keys + walletActions + payments

  static func named(_ name: String) -> RPCAction? { byName[name] }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}
