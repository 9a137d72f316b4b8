import Service
import SmallNano

/// The network's figures under /metrics.
struct NetworkMetrics: Sendable {
  let peers: Gauge
  let bytesIn: Counter
  let bytesOut: Counter
  let duplicates: Counter
  private let received: [Counter]
  private let sent: [Counter]
  private let registry: Metrics

  init(in registry: Metrics) {
    self.registry = registry
    peers = registry.gauge("smallnano_peers", "Peers connected and greeted")
    bytesIn = registry.counter("smallnano_peer_bytes_in_total", "Bytes read from peers")
    bytesOut = registry.counter("smallnano_peer_bytes_out_total", "Bytes written to peers")
    duplicates = registry.counter(
      "smallnano_duplicate_messages_total",
      "Blocks and votes dropped because they came before"
    )
    func counters(_ name: String, _ help: String) -> [Counter] {
      MessageType.allCases.map { registry.counter(name, help, labels: ["type": "\($0)"]) }
    }
    received = counters("smallnano_messages_in_total", "Messages from peers")
    sent = counters("smallnano_messages_out_total", "Messages to peers")
  }

  func countReceived(_ type: MessageType) {
    received[Int(type.rawValue) - 1].add()
  }

  /// A whole frame, whose fifth byte is its type.
  func countSent(frame: [UInt8]) {
    bytesOut.add(UInt64(frame.count))
    sent[Int(frame[4]) - 1].add()
  }

  /// A connection closed by this node, or not taken.
  func countRefused(_ reason: StaticString) {
    registry.counter(
      "smallnano_peers_refused_total",
      "Connections this node closed, by reason",
      labels: ["reason": "\(reason)"]
    ).add()
  }
}
