import Kernel

/// A run in words, one line for each step.
///
/// A cluster without a trace makes no text at all.
public final class Trace {
  /// Lines kept for a violation.
  public let tailMax: Int
  /// FNV-1a over all lines: equal for equal runs, contents of messages included.
  public private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325
  private let sink: ((String) -> Void)?
  private var lines: [String] = []
  private var next = 0

  /// A new trace; `sink` is given each line as it is made.
  public init(tailMax: Int = 60, sink: ((String) -> Void)? = nil) {
    precondition(tailMax > 0)
    self.tailMax = tailMax
    self.sink = sink
  }

  /// The last lines, oldest first.
  public var tail: [String] { Array(lines[next...] + lines[..<next]) }

  func record(_ line: String) {
    for byte in line.utf8 {
      digest = (digest ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }
    if lines.count < tailMax {
      lines.append(line)
    } else {
      lines[next] = line
      next = (next + 1) % tailMax
    }
    sink?(line)
  }

  /// Seconds with microseconds, as traces show virtual time.
  static func text(_ elapsed: Duration) -> String {
    let microseconds = elapsed.wholeNanoseconds / 1000
    let fraction = String(microseconds % 1_000_000)
    let zeros = String(repeating: "0", count: 6 - fraction.count)
    return "\(microseconds / 1_000_000).\(zeros)\(fraction)"
  }
}

extension Cluster {
  func line(_ text: String) -> String { "\(Trace.text(elapsed)) \(text)" }

  func line(_ node: Int, _ text: String, _ effects: [Effect<M>] = []) -> String {
    let decided = effects.map(describe).joined(separator: "; ")
    return line("n\(node) \(text)" + (decided.isEmpty ? "" : " => \(decided)"))
  }

  func describe(_ input: Input<M>) -> String {
    let words = blueprint.descriptions
    return switch input {
    case .connected(let peer, _): "connected \(describe(peer))"
    case .disconnected(let peer): "disconnected \(describe(peer))"
    case .received(let message, let peer):
      "received \(words.message(message)) from \(describe(peer))"
    case .submitted(let command, let id): "submitted \(words.command(command)) #\(id.number)"
    case .fired(let timer): "fired \(words.timer(timer))"
    case .finished(let output, let id): "finished \(words.output(output)) #\(id.number)"
    }
  }

  func describe(_ sync: Sync) -> String {
    let changes = sync.changes.map(blueprint.descriptions.change).joined(separator: ", ")
    return "synced \(changes)"
  }

  private func describe(_ effect: Effect<M>) -> String {
    let words = blueprint.descriptions
    return switch effect {
    case .persist(let change): "persist \(words.change(change))"
    case .send(let message, let peer): "send \(words.message(message)) to \(describe(peer))"
    case .broadcast(let message, let peers):
      "broadcast \(words.message(message)) to \(peers.map(describe).joined(separator: ","))"
    case .disconnect(let peer, let reason): "disconnect \(describe(peer)): \(reason)"
    case .setTimer(let timer, let duration):
      "set \(words.timer(timer)) in \(Trace.text(duration)) s"
    case .cancelTimer(let timer): "cancel \(words.timer(timer))"
    case .start(let job, let id): "start \(words.job(job)) #\(id.number)"
    case .reply(let reply, let id): "reply \(words.reply(reply)) #\(id.number)"
    case .report(let event): "report \(words.event(event))"
    }
  }

  /// The remote node and the connection's number: `n2/17`.
  private func describe(_ peer: PeerID) -> String {
    guard peer.number < UInt64(endpoints.count) else { return "?/\(peer.number)" }
    return "n\(remote(of: peer))/\(peer.number)"
  }
}
