import Glibc
import Kernel
import Synchronization
import Testing

@testable import Service

@Suite("Log: one line an event, which nobody can forge")
struct LogTests {
  private func line(_ fields: Log.Fields) -> String {
    let line = LogLine(
      time: Instant(nanoseconds: 0),
      level: .info,
      message: "peer connected",
      fields: fields
    )
    return String(decoding: line.bytes, as: UTF8.self)
  }

  @Test("A line is time, level, message and pairs")
  func plain() {
    #expect(
      line(["address": "192.0.2.7:7176", "peers": "\(12)"])
        == "1970-01-01T00:00:00.000Z info peer connected address=192.0.2.7:7176 peers=12\n"
    )
  }

  @Test(
    "A hostile value stays one value of one line",
    arguments: [
      ("", #""""#), ("a b", #""a b""#), ("a=b", #""a=b""#), (#"a"b"#, #""a\"b""#),
      (#"a\b"#, #""a\\b""#), ("a\nx info forged", #""a\nx info forged""#), ("\r\t", #""\r\t""#),
      ("\u{1b}[2J", #""\u{1b}[2J""#), ("\0", #""\u{0}""#), ("\u{7f}", #""\u{7f}""#),
      ("\u{85}\u{2028}", #""\u{85}\u{2028}""#), ("\u{202e}", #""\u{202e}""#), ("é", #""\u{e9}""#),
    ]
  )
  func hostile(value: String, shown: String) {
    #expect(line(["v": value]) == "1970-01-01T00:00:00.000Z info peer connected v=\(shown)\n")
  }

  @Test("Any value leaves one printable line of bounded length", arguments: 0..<UInt64(50))
  func bounded(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let value = String(
      decoding: (0..<Int.random(in: 0...3000, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      },
      as: UTF8.self
    )
    let bytes = Array(line(["a": value, "b": value, "c": value]).utf8)
    #expect(bytes.count <= LogLine.bytesMax)
    #expect(bytes.last == UInt8(ascii: "\n"))
    #expect(bytes.dropLast().allSatisfy { (0x20..<0x7f).contains($0) })
  }

  @Test("A long value is cut and says so")
  func cut() {
    #expect(line(["v": String(repeating: "x", count: 600)]).hasSuffix("xx...\"\n"))
  }

  @Test(
    "Times are RFC 3339 in UTC",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
      (951_782_400_000, "2000-02-29T00:00:00.000Z"), (951_868_800_000, "2000-03-01T00:00:00.000Z"),
      (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
      (1_769_903_999_123, "2026-01-31T23:59:59.123Z"),
      (1_798_761_599_000, "2026-12-31T23:59:59.000Z"),
    ] as [(UInt64, String)]
  )
  func times(milliseconds: UInt64, text: String) {
    #expect(Instant(milliseconds: milliseconds).rfc3339 == text)
  }

  @Test("Every day until 2262 has the date that the C library gives it")
  func dates() {
    var wrong = 0
    for day in 0..<106_751 {
      var time = time_t(day * 86_400)
      var parts = tm()
      gmtime_r(&time, &parts)
      func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
      let date = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
      let shown = Instant(nanoseconds: UInt64(day) * 86_400_000_000_000).rfc3339
      if !shown.hasPrefix(date + "T00:00:00") { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  // MARK: Output

  private struct Pipe: ~Copyable {
    let read: Int32
    let write: Int32

    init() throws {
      var ends: [Int32] = [0, 0]
      try #require(pipe(&ends) == 0)
      (read, write) = (ends[0], ends[1])
    }

    /// What stands in the pipe now.
    func contents() -> String {
      var text: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      _ = fcntl(read, F_SETFL, O_NONBLOCK)
      while true {
        let count = Glibc.read(read, &chunk, chunk.count)
        guard count > 0 else { break }
        text += chunk[..<count]
      }
      return String(decoding: text, as: UTF8.self)
    }

    deinit {
      close(read)
      close(write)
    }
  }

  @Test("The level decides what is written, may change, and spares the rest its cost")
  func level() throws {
    let pipe = try Pipe()
    let log = Log(level: .warn, descriptor: pipe.write) { Instant(nanoseconds: 0) }
    var evaluated = 0
    func count() -> String {
      evaluated += 1
      return "\(evaluated)"
    }
    log.error("one", ["n": count()])
    log.info("two", ["n": count()])
    log.level = .debug
    #expect(log.level == .debug)
    log.debug("three", ["n": count()])
    #expect(
      pipe.contents() == """
        1970-01-01T00:00:00.000Z error one n=1
        1970-01-01T00:00:00.000Z debug three n=2

        """
    )
  }

  @Test("A reader that does not read holds nobody up; what is lost is counted")
  func slowReader() throws {
    let pipe = try Pipe()
    let log = Log(level: .info, descriptor: pipe.write)
    let value = String(repeating: "x", count: 500)
    for number in 0..<2000 { log.info("event", ["number": "\(number)", "value": value]) }
    var text = pipe.contents()
    while true {  // each read makes room for more of what waited
      log.flush()
      let more = pipe.contents()
      if more.isEmpty { break }
      text += more
    }
    let lines = text.split(separator: "\n")
    let dropped = lines.last { $0.contains("log lines dropped count=") }
    let count = dropped?.split(separator: "=").last.flatMap { Int($0) } ?? 0
    #expect(count > 0)
    #expect(lines.count - 1 + count == 2000)
    #expect(lines.first?.contains("number=0 ") == true)
  }

  @Test("A reader that has gone is no error")
  func goneReader() throws {
    let ends = UnsafeMutableBufferPointer<Int32>.allocate(capacity: 2)
    defer { ends.deallocate() }
    try #require(pipe(ends.baseAddress) == 0)
    close(ends[0])
    defer { close(ends[1]) }
    let log = Log(descriptor: ends[1])
    for _ in 0..<10 { log.info("event") }  // SIGPIPE would end the test run
  }
}
