import Mesh
import Service

/// The network's figures under /metrics.
struct MeshNetworkMetrics: Sendable {
  private let validators: Gauge
  private let wallets: Gauge
  private let failedHandshakes: Counter
  private let bytesIn: Counter
  private let batches: Counter
  private let checked: Counter
  private let refused: Counter
  private let received: [MessageType: Counter]
  private let sent: [MessageType: Counter]

  init(in registry: Metrics) {
    validators = registry.gauge("mesh_validators_connected", "Validators connected")
    wallets = registry.gauge("mesh_wallets_connected", "Wallets connected")
    failedHandshakes = registry.counter(
      "mesh_handshakes_failed_total",
      "Connections that ended before the other end had shown who it is"
    )
    bytesIn = registry.counter("mesh_message_bytes_in_total", "Bytes of messages received")
    batches = registry.counter("mesh_check_batches_total", "Batches of messages checked")
    checked = registry.counter("mesh_messages_checked_total", "Messages checked in batches")
    refused = registry.counter(
      "mesh_messages_refused_total",
      "Messages with a signature, quorum or key that does not hold"
    )
    func counters(_ name: String, _ help: String) -> [MessageType: Counter] {
      Dictionary(
        uniqueKeysWithValues: MessageType.allCases.map {
          ($0, registry.counter(name, help, labels: ["type": "\($0)"]))
        }
      )
    }
    received = counters("mesh_messages_in_total", "Messages received")
    sent = counters("mesh_messages_out_total", "Messages sent")
  }

  func connected(_ peer: MeshPeer, _ change: Int64) {
    switch peer {
    case .wallet: wallets.add(change)
    case .validator: validators.add(change)
    }
  }

  func countFailedHandshake() { failedHandshakes.add() }

  func countReceived(_ type: MessageType, size: Int) {
    received[type]?.add()
    bytesIn.add(UInt64(size))
  }

  func countSent(_ type: MessageType) { sent[type]?.add() }

  func countBatch(_ count: Int) {
    guard count > 0 else { return }
    batches.add()
    checked.add(UInt64(count))
  }

  func countRefused() { refused.add() }
}
