import Synchronization

/// The figures a program shows under /metrics: registered by name, updated from anywhere.
///
/// Register at start and keep what is returned: an update is one atomic addition (a histogram's: one
/// short lock). Rendering reads; it never stops an update for long.
public final class Metrics: Sendable {
  /// Series of one name.
  ///
  /// More label values than this fall into one series, labelled `other`: a label that a peer
  /// chooses must not grow memory.
  public static let seriesMax = 100
  /// Bytes of a label's value; what is longer is cut.
  public static let labelBytesMax = 64

  /// Labels and values in the order rendered.
  public typealias Labels = KeyValuePairs<StaticString, String>

  private let families = Mutex<[Family]>([])

  public init() {}

  /// What only grows: events, bytes.
  ///
  /// The name ends in `_total`.
  public func counter(_ name: String, _ help: String, labels: Labels = [:]) -> Counter {
    precondition(name.hasSuffix("_total"))
    let made = series(name, help, .counter, labels) { .counter(Counter()) }
    guard case .counter(let counter) = made else { preconditionFailure("\(name) is no counter") }
    return counter
  }

  /// What goes up and down: peers, queue lengths.
  public func gauge(_ name: String, _ help: String, labels: Labels = [:]) -> Gauge {
    let made = series(name, help, .gauge, labels) { .gauge(Gauge()) }
    guard case .gauge(let gauge) = made else { preconditionFailure("\(name) is no gauge") }
    return gauge
  }

  /// A figure that is read when somebody asks.
  ///
  /// - Parameters:
  ///   - name: the figure's name; registered once.
  ///   - help: one line.
  ///   - kind: a counter only grows.
  ///   - read: called on each rendering, on the renderer's thread; nil leaves the line out.
  public func observed(
    _ name: String,
    _ help: String,
    kind: Kind = .gauge,
    read: @escaping @Sendable () -> Decimal?
  ) {
    _ = series(name, help, kind, [:]) { .observed(read) }
  }

  /// How values spread over fixed buckets.
  ///
  /// - Parameters:
  ///   - name: with its unit at the end: `_seconds`, `_bytes`.
  ///   - help: one line.
  ///   - bounds: upper bounds of the buckets, ascending; above the last comes `+Inf` by itself.
  ///   - decimals: values are whole numbers of 10^-decimals: 9 for nanoseconds shown as seconds.
  ///   - labels: of this series.
  /// - Returns: the histogram, the same for equal name and labels.
  public func histogram(
    _ name: String,
    _ help: String,
    bounds: [UInt64],
    decimals: Int = 0,
    labels: Labels = [:]
  ) -> Histogram {
    let made = series(name, help, .histogram, labels) {
      .histogram(Histogram(bounds: bounds, decimals: decimals))
    }
    guard case .histogram(let histogram) = made else {
      preconditionFailure("\(name) is no histogram")
    }
    return histogram
  }

  public enum Kind: String, Sendable {
    case counter, gauge, histogram
  }

  fileprivate enum Series {
    case counter(Counter)
    case gauge(Gauge)
    case observed(@Sendable () -> Decimal?)
    case histogram(Histogram)
  }

  fileprivate struct Family {
    let name: String
    let help: String
    let kind: Kind
    /// By rendered labels, in the order registered.
    var series: [(labels: String, series: Series)]
  }

  private func series(
    _ name: String,
    _ help: String,
    _ kind: Kind,
    _ labels: Labels,
    make: () -> Series
  ) -> Series {
    precondition(Self.isName(name))
    for (label, _) in labels { precondition(Self.isName("\(label)") && "\(label)" != "le") }
    let made = make()
    return families.withLock { families in
      guard let index = families.firstIndex(where: { $0.name == name }) else {
        families.append(
          Family(name: name, help: help, kind: kind, series: [(Self.text(of: labels), made)])
        )
        return made
      }
      precondition(families[index].kind == kind)  // one name, one kind
      var text = Self.text(of: labels)
      if let known = families[index].series.first(where: { $0.labels == text }) {
        return known.series
      }
      if families[index].series.count >= Self.seriesMax {
        text = labels.map { "\($0.key)=\"other\"" }.joined(separator: ",")
        if let other = families[index].series.first(where: { $0.labels == text }) {
          return other.series
        }
      }
      families[index].series.append((text, made))
      return made
    }
  }

  // MARK: Rendering

  /// The text format that Prometheus reads, version 0.0.4.
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// Every figure, families by name, so that equal figures give equal text.
  public func render() -> [UInt8] {
    let families = families.withLock { $0 }.sorted { $0.name < $1.name }
    var text = ""
    for family in families {
      text += "# HELP \(family.name) \(Self.escaped(family.help, quote: false))\n"
      text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
      for (labels, series) in family.series {
        let braced = labels.isEmpty ? "" : "{\(labels)}"
        switch series {
        case .counter(let counter): text += "\(family.name)\(braced) \(counter.value)\n"
        case .gauge(let gauge): text += "\(family.name)\(braced) \(gauge.value)\n"
        case .observed(let read):
          if let value = read() { text += "\(family.name)\(braced) \(value)\n" }
        case .histogram(let histogram): histogram.render(family.name, labels, into: &text)
        }
      }
    }
    return Array(text.utf8)
  }

  private static func text(of labels: Labels) -> String {
    labels.map { name, value in
      // Cut between scalars, so that what is left is still UTF-8.
      var bytes = 0
      let cut = value.unicodeScalars.prefix { scalar in
        bytes += UTF8.width(scalar)
        return bytes <= labelBytesMax
      }
      return "\(name)=\"\(escaped(String(cut), quote: true))\""
    }.joined(separator: ",")
  }

  private static func escaped(_ text: String, quote: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quote: escaped += "\\\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  private static func isName(_ text: String) -> Bool {
    text.utf8.first.map { !isDigit($0) } == true
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "_"):
          true
        default: isDigit(byte)
        }
      }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}

/// A count that only grows; wraps at 2^64.
public final class Counter: Sendable {
  private let count = Atomic<UInt64>(0)

  public func add(_ amount: UInt64 = 1) {
    count.wrappingAdd(amount, ordering: .relaxed)
  }

  public var value: UInt64 { count.load(ordering: .relaxed) }
}

/// A figure that is set, or moved up and down.
public final class Gauge: Sendable {
  private let current = Atomic<Int64>(0)

  public func set(_ value: Int64) {
    current.store(value, ordering: .relaxed)
  }

  public func add(_ amount: Int64 = 1) {
    current.wrappingAdd(amount, ordering: .relaxed)
  }

  public var value: Int64 { current.load(ordering: .relaxed) }
}

/// Counts of values by bucket, with their sum.
public final class Histogram: Sendable {
  private struct Figures {
    /// One a bound, and one above.
    var counts: [UInt64]
    var sum: UInt64 = 0
  }

  private let bounds: [UInt64]
  private let decimals: Int
  private let figures: Mutex<Figures>

  init(bounds: [UInt64], decimals: Int) {
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy(<))
    precondition((0...9).contains(decimals))
    self.bounds = bounds
    self.decimals = decimals
    figures = Mutex(Figures(counts: Array(repeating: 0, count: bounds.count + 1)))
  }

  /// Counts a value, in the unit of the bounds.
  public func record(_ value: UInt64) {
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    figures.withLock { figures in
      figures.counts[bucket] &+= 1
      figures.sum &+= value
    }
  }

  /// Counts a duration in a histogram of nanoseconds (`decimals: 9`); a negative one as zero.
  public func record(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return record(0) }
    record(UInt64(seconds) &* 1_000_000_000 &+ UInt64(attoseconds) / 1_000_000_000)
  }

  fileprivate func render(_ name: String, _ labels: String, into text: inout String) {
    let (counts, sum) = figures.withLock { ($0.counts, $0.sum) }
    let prefix = labels.isEmpty ? "" : labels + ","
    let braced = labels.isEmpty ? "" : "{\(labels)}"
    var total: UInt64 = 0
    for (index, count) in counts.enumerated() {
      total &+= count
      let bound =
        index < bounds.count ? "\(Decimal(bounds[index], decimals: decimals))" : "+Inf"
      text += "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(total)\n"
    }
    text += "\(name)_sum\(braced) \(Decimal(sum, decimals: decimals))\n"
    text += "\(name)_count\(braced) \(total)\n"
  }
}

/// A decimal fraction to be shown: 1234 with 3 decimals is 1.234.
///
/// No floating point.
public struct Decimal: Hashable, Sendable, CustomStringConvertible {
  private let value: UInt64
  private let decimals: Int

  public init(_ value: UInt64, decimals: Int = 0) {
    precondition((0...19).contains(decimals))
    self.value = value
    self.decimals = decimals
  }

  /// Without zeros at the end: 0.25, 3.
  public var description: String {
    var (rest, digits) = (value, decimals)
    while digits > 0, rest.isMultiple(of: 10) {
      rest /= 10
      digits -= 1
    }
    let text = String(rest)
    guard digits > 0 else { return text }
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    return "\(padded.dropLast(digits)).\(padded.suffix(digits))"
  }
}
