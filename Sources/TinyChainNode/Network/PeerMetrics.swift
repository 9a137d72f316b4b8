import Service

/// Figures of the talk with peers.
struct PeerMetrics: Sendable {
  let sent: Counter
  let received: Counter
  let malformed: Counter
  private let peers: Gauge

  init(in metrics: Metrics) {
    sent = metrics.counter("p2p_sent_bytes_total", "Bytes of bodies that were sent to peers")
    received = metrics.counter("p2p_received_bytes_total", "Bytes of bodies that came from peers")
    malformed = metrics.counter("p2p_malformed_total", "Calls of peers that could not be read")
    peers = metrics.gauge("peers", "Nodes that this one talks with")
  }

  func count(_ count: Int) { peers.set(Int64(count)) }
}
