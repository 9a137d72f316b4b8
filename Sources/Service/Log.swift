import Glibc
public import Kernel
import Synchronization

/// One line an event for the operator, as `key=value` pairs, on standard error.
///
/// ```text
/// 2026-01-31T23:59:59.123Z info peer connected address=192.0.2.7:7176 peers=12
/// ```
///
/// The message is a constant of the program; what peers and clients say stands only in values,
/// which are escaped so that no value can forge a line, a key or a terminal command. A caller is
/// never held up by a slow reader: while the output is not writable, lines gather up to a limit and
/// are then dropped and counted.
public final class Log: Sendable {
  public enum Level: String, CaseIterable, Comparable, Sendable {
    case error, warn, info, debug

    /// Errors rank lowest: a level shows itself and what ranks below.
    var rank: UInt8 {
      switch self {
      case .error: 0
      case .warn: 1
      case .info: 2
      case .debug: 3
      }
    }

    public static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
  }

  /// Keys are constants; values are any text, often interpolated: `["port": "\(port)"]`.
  public typealias Fields = KeyValuePairs<StaticString, String>

  private let rank: Atomic<UInt8>
  private let output: Mutex<LogOutput>
  private let now: @Sendable () -> Instant

  /// Starts a log.
  ///
  /// - Parameters:
  ///   - level: what to show; `level` changes it later.
  ///   - descriptor: where to write, standard error if not said; not closed.
  ///   - now: the clock of the timestamps; nil is the wall clock.
  public init(
    level: Level = .info,
    descriptor: Int32 = 2,
    now: (@Sendable () -> Instant)? = nil
  ) {
    rank = Atomic(level.rank)
    output = Mutex(LogOutput(descriptor: descriptor))
    self.now = now ?? { Instant.wallClock() }
  }

  /// What is shown.
  ///
  /// May be changed at any time, on SIGHUP for example.
  public var level: Level {
    get {
      let rank = rank.load(ordering: .relaxed)
      return Level.allCases.first { $0.rank == rank } ?? .info
    }
    set { rank.store(newValue.rank, ordering: .relaxed) }
  }

  /// Something that needs the operator.
  public func error(_ message: StaticString, _ fields: @autoclosure () -> Fields = [:]) {
    write(.error, message, fields)
  }

  /// Something odd that the program copes with.
  public func warn(_ message: StaticString, _ fields: @autoclosure () -> Fields = [:]) {
    write(.warn, message, fields)
  }

  /// A change of state.
  public func info(_ message: StaticString, _ fields: @autoclosure () -> Fields = [:]) {
    write(.info, message, fields)
  }

  /// A step, for whoever looks for a fault.
  public func debug(_ message: StaticString, _ fields: @autoclosure () -> Fields = [:]) {
    write(.debug, message, fields)
  }

  /// Writes what waits, for at most this long: before the process ends.
  public func flush(within limit: Duration = .milliseconds(200)) {
    output.withLock { $0.flush(until: .monotonic() + limit) }
  }

  private func write(_ level: Level, _ message: StaticString, _ fields: () -> Fields) {
    guard level.rank <= rank.load(ordering: .relaxed) else { return }
    let line = LogLine(time: now(), level: level, message: message, fields: fields()).bytes
    output.withLock { $0.write(line) }
  }
}

/// The text of one event, with its line feed, in at most `bytesMax` bytes.
struct LogLine {
  /// A pipe takes this many bytes at once or not at all, so lines of several processes on one
  /// pipe never mix.
  static let bytesMax = 4096
  /// Of one value, before escaping: a hash, an address and a sentence fit.
  static let valueBytesMax = 512

  private(set) var bytes: [UInt8] = []

  init(time: Instant, level: Log.Level, message: StaticString, fields: Log.Fields) {
    bytes.reserveCapacity(160)
    bytes.append(contentsOf: time.rfc3339.utf8)
    append(" ")
    bytes.append(contentsOf: level.rawValue.utf8)
    append(" ")
    append(message)
    for (key, value) in fields {
      append(" ")
      append(key)
      append("=")
      append(value: value)
    }
    if bytes.count >= Self.bytesMax {
      bytes.removeLast(bytes.count - Self.bytesMax + 4)
      append("...")
    }
    append("\n")
  }

  private mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  /// As it is if it is plain, else in quotes and escaped.
  private mutating func append(value: String) {
    let isPlain =
      !value.isEmpty
      && value.utf8.allSatisfy { byte in
        (0x21..<0x7f).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
          && byte != UInt8(ascii: "\\")
      }
    let isWhole = value.utf8.count <= Self.valueBytesMax
    if isPlain && isWhole {
      bytes.append(contentsOf: value.utf8)
      return
    }
    append("\"")
    var count = 0
    for scalar in value.unicodeScalars {
      count += UTF8.width(scalar)
      guard count <= Self.valueBytesMax else { break }
      append(escaped: scalar)
    }
    append(isWhole ? "\"" : "...\"")
  }

  /// Everything but printable ASCII is escaped: control characters would forge lines or drive the
  /// terminal, and many other characters are invisible or turn the reading direction.
  private mutating func append(escaped scalar: Unicode.Scalar) {
    switch scalar {
    case "\"": append("\\\"")
    case "\\": append("\\\\")
    case "\n": append("\\n")
    case "\r": append("\\r")
    case "\t": append("\\t")
    case " "..."~": bytes.append(UInt8(truncatingIfNeeded: scalar.value))
    default:
      append("\\u{")
      bytes.append(contentsOf: String(scalar.value, radix: 16).utf8)
      append("}")
    }
  }
}

/// A descriptor that is written only when that will not block, and what waits for it.
private struct LogOutput {
  /// Bytes kept for a reader that is slow: 64 lines at worst, a thousand as lines are.
  static let backlogMax = 256 << 10

  let descriptor: Int32
  private var backlog: [UInt8] = []
  private var dropped = 0

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  mutating func write(_ line: [UInt8]) {
    if backlog.count + line.count <= Self.backlogMax {
      backlog += line
    } else {
      dropped += 1
    }
    flush(until: nil)
  }

  /// Writes while the descriptor takes bytes, and waits for it until the deadline if there is one.
  mutating func flush(until deadline: Instant?) {
    var written = 0
    defer { backlog.removeFirst(written) }
    while written < backlog.count {
      var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      let wait = deadline.map { ($0 - .monotonic()).wholeMilliseconds } ?? 0
      guard poll(&request, 1, Int32(clamping: max(wait, 0))) == 1 else { return }
      guard request.revents & Int16(POLLERR | POLLHUP | POLLNVAL) == 0 else {
        written = backlog.count  // nobody will ever read: writing would only raise SIGPIPE
        return
      }
      guard request.revents & Int16(POLLOUT) != 0 else { return }
      // A writable pipe takes this much without blocking (PIPE_BUF).
      let count = backlog.withUnsafeBytes { bytes in
        Glibc.write(
          descriptor,
          bytes.baseAddress.map { $0 + written },
          min(bytes.count - written, LogLine.bytesMax)
        )
      }
      guard count > 0 else { return }  // interrupted or gone: the next line tries again
      written += count
    }
    if dropped > 0 {
      let line = "\(Instant.wallClock().rfc3339) warn log lines dropped count=\(dropped)\n"
      dropped = 0
      backlog.removeFirst(written)
      written = 0
      backlog += Array(line.utf8)
      flush(until: deadline)
    }
  }
}
