import Glibc
import Kernel

/// What the kernel says of this process, read from /proc/self at the moment of asking.
public enum ProcessFigures {
  /// Memory in RAM, in bytes; nil if /proc does not say.
  public static var residentBytes: UInt64? {
    // statm: size, resident, … in pages.
    guard let text = contents("/proc/self/statm"),
      let pages = field(1, of: text), let pageSize = UInt64(exactly: sysconf(Int32(_SC_PAGESIZE)))
    else { return nil }
    return pages.multipliedReportingOverflow(by: pageSize).partialValue
  }

  /// Processor time used, user and system, in nanoseconds.
  public static var processorNanoseconds: UInt64? {
    var time = timespec()
    guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return nil }
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Descriptors open, without the one opened to count them.
  public static var openDescriptors: UInt64? {
    guard let directory = opendir("/proc/self/fd") else { return nil }
    defer { closedir(directory) }
    var count: UInt64 = 0
    while readdir(directory) != nil { count += 1 }
    return count >= 3 ? count - 3 : nil  // ".", ".." and the directory itself
  }

  /// Registers the figures under the names that Prometheus' own clients use.
  public static func register(in metrics: Metrics) {
    metrics.observed("process_resident_memory_bytes", "Memory in RAM") {
      residentBytes.map { Decimal($0) }
    }
    metrics.observed("process_cpu_seconds_total", "Processor time used", kind: .counter) {
      processorNanoseconds.map { Decimal($0, decimals: 9) }
    }
    metrics.observed("process_open_fds", "Descriptors open") { openDescriptors.map { Decimal($0) } }
    let started = Instant.wallClock().milliseconds
    metrics.observed("process_start_time_seconds", "Start, in Unix time") {
      Decimal(started, decimals: 3)
    }
  }

  private static func contents(_ path: String) -> [UInt8]? {
    try? PrivateFile.read(path, bytesMax: 1 << 16)  // absent /proc: the figure is left out
  }

  private static func field(_ index: Int, of text: [UInt8]) -> UInt64? {
    let fields = text.split(separator: UInt8(ascii: " "))
    guard fields.indices.contains(index) else { return nil }
    return JSON.Number(String(decoding: fields[index], as: UTF8.self))?.integer()
  }
}
