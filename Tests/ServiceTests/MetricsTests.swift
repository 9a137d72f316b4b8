import Service
import Testing

@Suite("Metrics: figures in the text that Prometheus reads")
struct MetricsTests {
  private func text(_ metrics: Metrics) -> String {
    String(decoding: metrics.render(), as: UTF8.self)
  }

  @Test("Counters, gauges and histograms render by name")
  func rendering() {
    let metrics = Metrics()
    let latency = metrics.histogram(
      "latency_seconds",
      "Time to confirm",
      bounds: [1_000_000, 250_000_000, 2_000_000_000],
      decimals: 9
    )
    latency.record(.milliseconds(1))
    latency.record(.microseconds(1001))
    latency.record(.seconds(3))
    latency.record(.seconds(-3))
    metrics.gauge("peers", "Peers connected").set(-2)
    metrics.counter("blocks_total", "Blocks seen", labels: ["kind": "send"]).add(2)
    metrics.counter("blocks_total", "Blocks seen", labels: ["kind": "open"]).add()
    metrics.counter("blocks_total", "Blocks seen", labels: ["kind": "send"]).add()
    metrics.observed("up", "A\nB\\") { Decimal(1) }
    metrics.observed("gone", "Cannot be read") { nil }
    #expect(
      text(metrics) == """
        # HELP blocks_total Blocks seen
        # TYPE blocks_total counter
        blocks_total{kind="send"} 3
        blocks_total{kind="open"} 1
        # HELP gone Cannot be read
        # TYPE gone gauge
        # HELP latency_seconds Time to confirm
        # TYPE latency_seconds histogram
        latency_seconds_bucket{le="0.001"} 2
        latency_seconds_bucket{le="0.25"} 3
        latency_seconds_bucket{le="2"} 3
        latency_seconds_bucket{le="+Inf"} 4
        latency_seconds_sum 3.002001
        latency_seconds_count 4
        # HELP peers Peers connected
        # TYPE peers gauge
        peers -2
        # HELP up A\\nB\\\\
        # TYPE up gauge
        up 1

        """
    )
  }

  @Test("A label's value is escaped and cut")
  func labels() {
    let metrics = Metrics()
    metrics.gauge("a", "A", labels: ["v": "\"\\\n"]).set(1)
    metrics.gauge("a", "A", labels: ["v": String(repeating: "é", count: 100)]).set(2)
    let lines = text(metrics).split(separator: "\n")
    #expect(lines[2] == #"a{v="\"\\\n"} 1"#)
    #expect(lines[3] == "a{v=\"" + String(repeating: "é", count: 32) + "\"} 2")
  }

  @Test("Label values beyond the limit share one series")
  func manySeries() {
    let metrics = Metrics()
    for number in 0..<1000 { metrics.counter("a_total", "A", labels: ["v": "\(number)"]).add() }
    let lines = text(metrics).split(separator: "\n")
    #expect(lines.count == 2 + Metrics.seriesMax + 1)
    #expect(lines.last == "a_total{v=\"other\"} 900")
  }

  @Test("Updates from many tasks all count")
  func concurrent() async {
    let metrics = Metrics()
    let counter = metrics.counter("a_total", "A")
    let histogram = metrics.histogram("h_bytes", "H", bounds: [10])
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<1000 {
            counter.add()
            histogram.record(5)
          }
        }
      }
    }
    #expect(counter.value == 8000)
    #expect(text(metrics).contains("h_bytes_sum 40000\n"))
    #expect(text(metrics).contains("h_bytes_bucket{le=\"10\"} 8000\n"))
  }

  @Test(
    "Decimals are exact",
    arguments: [
      (0, 9, "0"), (1, 9, "0.000000001"), (1_500_000_000, 9, "1.5"), (10, 0, "10"), (10, 1, "1"),
      (UInt64.max, 9, "18446744073.709551615"),
    ] as [(UInt64, Int, String)]
  )
  func decimals(value: UInt64, decimals: Int, text: String) {
    #expect(Decimal(value, decimals: decimals).description == text)
  }

  @Test("The kernel's figures of this process are there and plausible")
  func process() throws {
    let resident = try #require(ProcessFigures.residentBytes)
    #expect((1_000_000..<100_000_000_000).contains(resident))
    #expect(try #require(ProcessFigures.processorNanoseconds) > 0)
    #expect(try #require(ProcessFigures.openDescriptors) >= 3)
    let metrics = Metrics()
    ProcessFigures.register(in: metrics)
    #expect(text(metrics).contains("process_resident_memory_bytes "))
    #expect(text(metrics).contains("process_cpu_seconds_total "))
  }
}
