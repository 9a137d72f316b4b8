import EventLoop
import Glibc
import Service

/// A process that this one started and ends.
///
/// The child asks the kernel to be killed when the thread that started it ends, so it must be started
/// from a thread that lives as long as the program: an event loop's. It is a group of its own, so
/// that Ctrl-C at the terminal reaches only us, who then end it in order.
struct ChildProcess: Sendable {
  let pid: pid_t

  /// Starts a program with its output in a file, appended.
  ///
  /// - Parameters:
  ///   - path: of the program.
  ///   - arguments: without the program's name.
  ///   - environment: all of it.
  ///   - log: where standard output and errors go.
  ///   - errors: where errors go instead; nil for the same file.
  /// - Throws: `SystemFailure` if the program cannot be started.
  init(
    _ path: String,
    _ arguments: [String],
    environment: [String: String],
    log: String,
    errors: String? = nil
  ) throws(SystemFailure) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    if let errors {
      posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    } else {
      posix_spawn_file_actions_adddup2(&actions, 1, 2)
    }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A loop's thread has signals blocked; the child must not inherit that.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
    posix_spawnattr_setflags(&attributes, Int16(flags))

    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
    var variables: [UnsafeMutablePointer<CChar>?] = environment.sorted { $0.key < $1.key }
      .map { strdup("\($0.key)=\($0.value)") }
    words.append(nil)
    variables.append(nil)
    defer { for text in words + variables { free(text) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, path, &actions, &attributes, words, variables)
    guard code == 0 else { throw SystemFailure("start \(path)", code: code) }
    self.pid = pid
  }

  /// How a process ended.
  enum End: Equatable, Sendable, CustomStringConvertible {
    case status(Int32)
    case signal(Int32)

    var description: String {
      switch self {
      case .status(let status): "status \(status)"
      case .signal(let signal): "signal \(signal)"
      }
    }
  }

  /// Nil while it runs; afterwards, once, how it ended.
  func ended() -> End? {
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
    let signal = status & 0x7f
    return signal == 0 ? .status((status >> 8) & 0xff) : .signal(signal)
  }

  func signal(_ number: Int32) {
    kill(pid, number)
  }
}

/// What the kernel counts of a process.
struct ProcessUsage: Sendable {
  let residentBytes: UInt64
  /// The most that was resident at a time.
  let peakBytes: UInt64
  let processorMilliseconds: UInt64

  /// Nil if there is no such process.
  init?(_ pid: pid_t) {
    guard let memory = Self.words("/proc/\(pid)/statm"), memory.count > 1,
      let pages = UInt64(memory[1]),
      let text = Self.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")")
    else { return nil }
    // After the name, which may contain anything: state is field 3, utime 14, stime 15.
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else {
      return nil
    }
    // A line as "VmHWM:     1234 kB".
    guard let status = Self.text("/proc/\(pid)/status"),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let peak = line.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) })
    else { return nil }
    peakBytes = peak * 1_024
    residentBytes = pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    processorMilliseconds = (user + system) * 1000 / UInt64(sysconf(Int32(_SC_CLK_TCK)))
  }

  private static func text(_ path: String) -> String? {
    // A process that has just ended has no file: the caller is told nil.
    (try? PrivateFile.read(path, bytesMax: 1 << 16)).map { String(decoding: $0, as: UTF8.self) }
  }

  private static func words(_ path: String) -> [Substring]? {
    text(path)?.split(separator: " ")
  }
}

/// A directory of temporary files, which goes with all in it.
struct TemporaryDirectory: Sendable {
  let path: String

  init() throws(SystemFailure) {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/trellis-devnet-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw SystemFailure("make a directory in \(parent)", code: errno)
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func remove() {
    Self.remove(path)
  }

  /// A link is removed, not followed.
  private static func remove(_ path: String) {
    for (name, status) in entries(of: path) {
      if status.st_mode & S_IFMT == S_IFDIR {
        remove("\(path)/\(name)")
      } else {
        unlink("\(path)/\(name)")
      }
    }
    rmdir(path)
  }

  /// Bytes of the regular files in a directory, without those below it.
  static func fileBytes(in directory: String) -> UInt64 {
    entries(of: directory).filter { $0.status.st_mode & S_IFMT == S_IFREG }
      .reduce(0) { $0 + UInt64($1.status.st_size) }
  }

  private static func entries(of directory: String) -> [(name: String, status: stat)] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var found: [(String, stat)] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      var status = stat()
      guard name != ".", name != "..", lstat("\(directory)/\(name)", &status) == 0 else { continue }
      found.append((name, status))
    }
    return found
  }
}
