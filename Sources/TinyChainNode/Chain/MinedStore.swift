import Kernel
import Synchronization
import TinyChain
import TinyChainPeers

/// A node's store, as the machine reads it and as its changes are written.
///
/// A failure is remembered: reads answer nothing from then on, and the driver, which asks for it after
/// each decision, stops before anything of the decision leaves. The remedy is to restart.
///
/// `@unchecked Sendable`: it has no lock and is confined to its owner. The machine that holds it is
/// itself held by one actor, the driver, which alone calls it, be it through the driver's host.
final class MinedStore: NodeStore, @unchecked Sendable {
  /// What went wrong first.
  private(set) var failure: (any Error)?
  private let store: ChainStore

  /// Bodies that far below the tip, and off the chain, are forgotten: two hours of blocks at 15 s.
  static let bodiesDepth: UInt32 = 500

  /// Takes up a store, with the header of its genesis block.
  init(_ store: ChainStore, _ parameters: NetworkParameters) throws {
    self.store = store
    let genesis = parameters.genesis
    if try store.header(genesis.id) == nil {
      let time = genesis.header.time
      var entry = HeaderEntry(genesis.header, id: genesis.id, work: .zero, anchorTime: time)
      entry.status = .executed
      try store.transaction {
        try store.add([entry])
        try store.setHeaviest(genesis.id)
      }
    }
  }

  private func latched<Result>(_ body: () throws -> Result?) -> Result? {
    guard failure == nil else { return nil }
    do {
      return try body()
    } catch {
      failure = error
      return nil
    }
  }

  // MARK: NodeStore

  func entry(of id: Bytes32) -> HeaderEntry? { latched { try store.header(id) } }
  func best(at height: UInt32) -> Bytes32? { latched { try store.header(at: height)?.id } }
  func body(of id: Bytes32) -> [[UInt8]]? { latched { try store.body(of: id) } }
  func hasBody(_ id: Bytes32) -> Bool { latched { try store.hasBody(id) } ?? false }
  func changes(of id: Bytes32) -> [StateChange]? { latched { try store.changes(of: id) } }

  // MARK: Writing

  /// Makes changes durable, all of them or none.
  func commit(_ changes: [NodeChange]) throws {
    try store.transaction {
      for operation in changes.lazy.flatMap(\.operations) { try write(operation) }
    }
  }

  private func write(_ operation: NodeChange.Operation) throws {
    switch operation {
    case .headers(let entries): try store.add(entries)
    case .best(let id): try store.setHeaviest(id)
    case .body(let id, let transactions):
      guard let header = try store.header(id)?.header else {
        throw store.database.damaged("a body came before its header")
      }
      try store.keepBody(id, height: header.height, transactions)
    case .moved(let undone, let applied): try move(undone, applied)
    case .invalid(let id): try store.markInvalid(id)
    case .pooled(let transactions): try store.pool(transactions)
    case .unpooled(let ids): try store.unpool(ids)
    case .banned(let ban, let now): try store.ban(ban, now: now)
    case .addresses(let addresses):
      try store.setPeers(
        addresses.map { address in
          var writer = ByteWriter(capacity: SocketAddress.wireSize)
          address.write(to: &writer)
          return (writer.bytes, [])
        }
      )
    }
  }

  private func move(_ undone: [Bytes32], _ applied: [ExecutedBlock]) throws {
    for id in undone {
      guard let height = try store.height(of: id), let block = try store.block(at: height) else {
        throw store.database.damaged("block \(id), which is to be undone, is not on the chain")
      }
      _ = try store.undoTip(at: height)
      try store.keepBody(id, height: height, block.transactions)
    }
    for block in applied {
      try store.append(block)
      try store.markExecuted(block.id)
      try store.removeBody(block.id)
    }
    if let tip = applied.last?.header.height, tip > Self.bodiesDepth {
      try store.removeBodies(below: tip - Self.bodiesDepth)
    }
  }

  /// Moves the log into the file: at the end.
  func checkpoint() throws {
    guard failure == nil else { return }
    try store.database.checkpoint()
  }

  // MARK: Starting

  /// Addresses of peers, as they were written last; what cannot be read is no loss.
  func addresses() throws -> [SocketAddress] {
    try store.peers().compactMap { address, _ in
      var reader = ByteReader(address)
      return try? SocketAddress(from: &reader)
    }
  }
}
