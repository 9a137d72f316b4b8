import Kernel
import Service
import TinyChain
import TinyChainPeers

/// What the API asks of a node that mines with others.
struct MinedService: ServingNode {
  let parameters: NetworkParameters
  private let driver: Driver<PeerMachine>
  private let network: PeerNetwork
  private let reader: ChainReader
  private let host: MinedHost

  /// Blocks that deep are taken for safe.
  static let safeDepth: UInt32 = 6

  init(
    _ parameters: NetworkParameters,
    _ driver: Driver<PeerMachine>,
    _ network: PeerNetwork,
    _ reader: ChainReader,
    _ host: MinedHost
  ) {
    (self.parameters, self.driver, self.network) = (parameters, driver, network)
    (self.reader, self.host) = (reader, host)
  }

  var snapshot: Chain { get async { await driver.inspect { $0.chain } } }
  var peers: [PeerSummary] { get async { await network.summaries } }

  var standing: Standing {
    get async {
      let (tip, best, work) = await driver.inspect {
        ($0.chain.tip.header.height, $0.tree.best.header, $0.tree.executed.work)
      }
      var standing = Standing(
        safeHeight: tip - min(tip, Self.safeDepth),
        headerHeight: best.height,
        work: work
      )
      (standing.waiting, standing.undoneBlocks) = (host.waitingCount, host.undoneCount)
      return standing
    }
  }

  func read<Result: Sendable>(
    _ body: @Sendable (ChainStore, Chain) throws -> Result
  ) async throws -> Result {
    try await reader.read(upon: await snapshot, body)
  }

  func submit(_ transaction: SignedTransaction) async throws -> Submission {
    switch try await driver.submit(.submit(transaction)) {
    case .rejected(let rejection): throw rejection
    default: return .waiting
    }
  }

  func nextNonce(of account: Address) async -> UInt64 {
    await driver.inspect { machine in
      machine.pool.pending(of: account).reduce(machine.chain.state.account(account).nonce) {
        $1.transaction.nonce == $0 ? $0 + 1 : $0
      }
    }
  }

  func draft(for producer: Address) async throws -> Block {
    switch try await driver.submit(.draft(producer: producer)) {
    case .draft(let block): return block
    case .catchingUp(let height):
      let tip = await driver.inspect { $0.chain.tip.header.height }
      throw APIFailure(
        status: 503,
        "catching_up",
        "the node is at block \(tip) and others have more (headers up to \(height) are here): "
          + "it mines when it has caught up; try again"
      )
    default: throw APIFailure(status: 503, "no_draft", "there is no block to mine now")
    }
  }

  func take(_ bytes: [UInt8]) async throws {
    let header: Header
    var transactions: [SignedTransaction] = []
    do {
      let parts = try Block.parts(of: bytes)
      header = parts.header
      for transaction in parts.transactions {
        transactions.append(try SignedTransaction(transaction))
      }
    } catch let rejection as Rejection {
      throw rejection
    } catch {
      throw APIFailure("malformed", "the bytes are no block: \(error)")
    }
    let block = Block(header: header, transactions: transactions)
    if case .rejected(let rejection) = try await driver.submit(.mined(block)) { throw rejection }
  }

  func check() async throws {
    let tip = await driver.inspect { $0.chain.tip }
    guard
      try await reader.read(upon: await snapshot, { store, _ in try store.height(of: tip.id) })
        != nil
    else { throw APIFailure(status: 503, "store_behind", "the store has another tip") }
  }
}

/// Reads the store for callers of the API, beside the one who writes it.
actor ChainReader {
  private let store: ChainStore

  init(path: String, _ parameters: NetworkParameters) throws {
    store = try ChainStore(reading: path, parameters)
  }

  /// All that `body` reads is of one moment.
  func read<Result: Sendable>(
    upon chain: Chain,
    _ body: @Sendable (ChainStore, Chain) throws -> Result
  ) throws -> Result {
    try store.database.snapshot { try body(store, chain) }
  }
}
