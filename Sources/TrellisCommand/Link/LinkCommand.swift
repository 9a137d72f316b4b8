import EventLoop
import Kernel
import Relay
import Service

private let from = Argument(
  "from",
  .address,
  help: "Where to be called, for example 127.0.0.1:7800; port 0 for a free one"
)
private let to = Argument("to", .address, help: "Whom to call, for example 127.0.0.1:7700")
private let delay = Option<Duration>(
  "delay",
  .duration(.zero ... .seconds(60)),
  default: .zero,
  scope: .commandLine,
  help: "How long everything takes, in each direction"
)
private let jitter = Option<Duration>(
  "jitter",
  .duration(.zero ... .seconds(60)),
  default: .zero,
  scope: .commandLine,
  help: "What is added to the delay at most; datagrams overtake each other by it"
)
private let loss = Option<UInt32>(
  "loss",
  .partsPerMillion,
  default: 0,
  scope: .commandLine,
  help: "Datagrams that are lost, in percent"
)
private let seed = Option<UInt64>(
  "seed",
  .integer,
  default: 1,
  scope: .commandLine,
  help: "Equal seeds lose and delay the same datagrams"
)

let linkCommand = Command(
  "link",
  summary: "Relays UDP and TCP to one address as a slower and worse link would",
  discussion: """
    Until Ctrl-C. Everything happens in this process: no privilege, and nothing of the system's \
    network is changed. Each caller has a socket of its own towards the address. What TCP loses is \
    late, as a segment is that was sent again.
    """,
  examples: [
    .init(
      "trellis link 127.0.0.1:7800 127.0.0.1:7700 --delay 25ms --jitter 2ms --loss 1",
      "A validator that seems to be 50 ms away"
    )
  ],
  options: [delay, jitter, loss, seed],
  arguments: [from, to]
) { call in
  let loop = try EventLoop(name: "link")
  let signals = try await Signal.stream(of: [.interrupt, .terminate, .hangup], on: loop)
  let conditions = LinkConditions(
    delay: call[delay],
    jitter: call[jitter],
    lossPerMillion: call[loss]
  )
  let relays = Relays(on: loop)
  let address = try await relays.open(call[from], call[to], conditions, seed: call[seed])
  Terminal.standard.print("relaying UDP and TCP from \(address) to \(call[to])\n")
  for await _ in signals { break }
  let statistics = await relays.close()
  Terminal.standard.print("\(statistics.passed) datagrams passed, \(statistics.lost) lost\n")
  await loop.shutdown()
}

/// The two relays of one link.
private actor Relays {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private var datagrams: DatagramRelay?
  private var streams: StreamRelay?

  init(on loop: EventLoop) {
    self.loop = loop
  }

  /// Both are called at one port.
  func open(
    _ from: SocketAddress,
    _ to: SocketAddress,
    _ conditions: LinkConditions,
    seed: UInt64
  ) throws -> SocketAddress {
    let datagrams = try DatagramRelay(from: from, to: to, conditions, seed: seed, on: loop)
    self.datagrams = datagrams
    let address = datagrams.address
    streams = try StreamRelay(from: address, to: to, conditions, seed: seed, on: loop)
    return address
  }

  func close() -> RelayStatistics {
    let statistics = datagrams?.statistics ?? RelayStatistics()
    datagrams?.close()
    streams?.close()
    return statistics
  }
}

extension OptionType<SocketAddress> {
  fileprivate static var address: OptionType {
    text(
      "ADDRESS:PORT",
      parse: { text throws(ValueProblem) in
        guard let address = SocketAddress(text) else {
          throw ValueProblem("an IP address and a port, for example 127.0.0.1:7800 or [::1]:7800")
        }
        return address
      },
      text: \.description
    )
  }
}

extension OptionType<UInt32> {
  /// A percentage with up to four decimals, `1` or `0.25`, as millionths.
  fileprivate static var partsPerMillion: OptionType {
    text(
      "PERCENT",
      allowed: "0 to 100, with up to four decimals",
      parse: { text throws(ValueProblem) in
        let problem = ValueProblem("a percentage from 0 to 100, for example 1 or 0.25")
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = digits(parts[0], max: 3) else { throw problem }
        var millionths = whole * 10_000
        if parts.count == 2 {
          guard let decimals = digits(parts[1], max: 4) else { throw problem }
          millionths += (0..<4 - parts[1].count).reduce(decimals) { value, _ in value * 10 }
        }
        guard millionths <= 1_000_000 else { throw problem }
        return millionths
      },
      text: { value in
        var decimals = String(value % 10_000 + 10_000).dropFirst()
        while decimals.last == "0" { decimals.removeLast() }
        return "\(value / 10_000)" + (decimals.isEmpty ? "" : "." + decimals)
      }
    )
  }

  /// One to `max` decimal digits.
  @Sendable private static func digits(_ text: Substring, max: Int) -> UInt32? {
    guard (1...max).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) })
    else { return nil }
    return UInt32(text)
  }
}
