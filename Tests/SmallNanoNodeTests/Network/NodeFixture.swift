import EdDSA
import EventLoop
import Kernel
import Service
import SmallNano
import Synchronization
import TestSupport

@testable import SmallNanoNode

/// A node of the dev network in a directory of its own, on ports that the system chooses.
final class SocketNode: Sendable {
  let node: Node
  let directory: TemporaryDirectory
  /// Subscribed before anything can happen.
  private let events: AsyncStream<SmallNanoMachine.Event>

  static let log = Log(level: .error)
  static let genesis: SecretKey = {
    var seed = NetworkParameters.devGenesisSeed.bytes
    guard let keys = DeterministicKeys(master: SecretBytes(wiping: &seed)) else {
      preconditionFailure("the constant has 32 bytes")
    }
    return keys.key(0)
  }()

  init(
    peers: [SocketAddress] = [],
    in directory: TemporaryDirectory? = nil,
    adjusting adjust: (inout NodeConfiguration) -> Void = { _ in }
  ) async throws {
    let directory = directory ?? TemporaryDirectory()
    self.directory = directory
    var configuration = NodeConfiguration(
      dataDirectory: directory.path,
      parameters: .dev
    )
    configuration.bootstrapPeers = peers.map { HostPort(host: "\($0.ip)", port: $0.port) }
    adjust(&configuration)
    node = try await Node(configuration, log: Self.log)
    events = node.access.events()
  }

  var address: SocketAddress { node.peeringAddress }

  /// Waits until a block is confirmed here.
  func confirmation(of hash: BlockHash) async {
    for await event in events {
      if case .confirmed(let block) = event, block.hash == hash { return }
    }
  }

  func process(_ block: Verified<Block>) async throws -> SmallNanoMachine.Reply {
    try await node.access.submit(.process(block))
  }

  func vote(with keys: [SecretKey]) async throws {
    _ = try await node.access.submit(.setVoters(keys))
  }
}

/// A send from the dev network's genesis account, with work and signature.
func genesisSend(
  _ amount: Amount,
  to destination: Account,
  after previous: Block = NetworkParameters.dev.genesisBlock
) throws -> Verified<Block> {
  struct NotValid: Error {}
  var block = Block(
    account: NetworkParameters.dev.genesisAccount,
    previous: previous.hash,
    representative: previous.representative,
    balance: previous.balance - amount,
    link: destination.bytes,
    height: previous.height.next,
    on: NetworkParameters.dev.chainID
  )
  while block.workValue < WorkThresholds.dev.send { block.work += 1 }
  block = block.signed(by: SocketNode.genesis)
  var random = SystemRandomNumberGenerator()
  let results = StatelessChecker(.dev).check([.publish(block)], using: &random)
  guard case .success(.publish(let verified))? = results.first else { throw NotValid() }
  return verified
}
