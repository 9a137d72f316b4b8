import Glibc
import Kernel

/// Why git did not do what it was asked.
public struct GitFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// Runs git's own program, with nothing of the caller's surroundings but what it needs.
///
/// `GIT_DIR` and its like would lead it elsewhere, hooks and exotic transports could run programs that
/// a repository chooses, and a question at the terminal would wait for ever.
struct GitCommand: Sendable {
  let directory: String

  /// Bytes of what a command prints; all that are run here print a hash or two.
  private static let outputMax = 1 << 20

  /// Runs a command to its end.
  ///
  /// - Returns: what it printed.
  @discardableResult
  func run(
    _ arguments: [String],
    environment: [String: String] = [:],
    input: [UInt8] = []
  ) throws(GitFailure) -> String {
    let process = try GitProcess(directory, arguments, environment: environment)
    defer { process.close() }
    try process.write(input)
    process.closeInput()
    var output: [UInt8] = []
    while let chunk = try process.readSome() {
      output += chunk
      guard output.count <= Self.outputMax else { throw GitFailure("git prints without end") }
    }
    let (status, errors) = process.wait()
    guard status == 0 else {
      let words = String(decoding: errors.prefix(2_000), as: UTF8.self)
        .split(whereSeparator: \.isNewline).joined(separator: "; ")
      throw GitFailure("git \(arguments.first ?? "") failed: \(words)")
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// The one line that a command prints.
  func line(
    _ arguments: [String],
    environment: [String: String] = [:],
    input: [UInt8] = []
  ) throws(GitFailure) -> String {
    let text = try run(arguments, environment: environment, input: input)
    return text.last == "\n" ? String(text.dropLast()) : text
  }
}

/// A git process with its standard input and output in our hands.
///
/// Used by one caller at a time, who waits for it.
final class GitProcess {
  private let pid: pid_t
  private var input: Int32
  private let output: Int32
  /// Does not block: what git complains beyond a pipe's size is lost, and holds nobody up.
  private let errors: Int32
  private var isReaped = false

  init(
    _ directory: String,
    _ arguments: [String],
    environment extra: [String: String] = [:]
  ) throws(GitFailure) {
    var pipes: [[Int32]] = []
    for _ in 0..<3 {
      var ends: [Int32] = [-1, -1]
      guard pipe(&ends) == 0 else {
        for end in pipes.joined() { _ = Glibc.close(end) }
        throw GitFailure("no pipe for git: \(String(cString: strerror(errno)))")
      }
      // Nobody else starts processes here, who could inherit them in between.
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      pipes.append(ends)
    }
    let (toChild, fromChild, complaints) = (pipes[0], pipes[1], pipes[2])
    for end in complaints { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
    posix_spawn_file_actions_adddup2(&actions, complaints[1], 2)
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
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    let safe = [
      "git", "--git-dir", directory, "-c", "core.hooksPath=/dev/null",
      "-c", "protocol.ext.allow=never", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
    ]
    var words: [UnsafeMutablePointer<CChar>?] = (safe + arguments).map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] =
      Self.environment(extra).map { strdup($0) } + [nil]
    defer { for text in words + variables { free(text) } }
    var pid: pid_t = 0
    let code = posix_spawnp(&pid, "git", &actions, &attributes, &words, &variables)
    _ = Glibc.close(toChild[0])
    _ = Glibc.close(fromChild[1])
    _ = Glibc.close(complaints[1])
    (input, output, errors, self.pid) = (toChild[1], fromChild[0], complaints[0], pid)
    guard code == 0 else {
      isReaped = true
      close()
      throw GitFailure("git cannot be started: \(String(cString: strerror(code)))")
    }
  }

  private static func environment(_ extra: [String: String]) -> [String] {
    var variables = ["LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true"]
    for name in ["PATH", "HOME", "SSH_AUTH_SOCK", "TMPDIR"] {
      if let value = getenv(name) { variables[name] = String(cString: value) }
    }
    return variables.merging(extra) { $1 }.sorted { $0.key < $1.key }.map {
      "\($0.key)=\($0.value)"
    }
  }

  func write(_ bytes: [UInt8]) throws(GitFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw GitFailure("git ended before it was told all") }
      rest = rest.dropFirst(count)
    }
  }

  func closeInput() {
    if input >= 0 { _ = Glibc.close(input) }
    input = -1
  }

  /// Some bytes; nil at the end.
  func readSome() throws(GitFailure) -> [UInt8]? {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(output, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw GitFailure("git cannot be read") }
      return count == 0 ? nil : Array(chunk[..<count])
    }
  }

  /// Waits for its end: its status, 128 and more for a signal, and its complaints.
  func wait() -> (status: Int32, errors: [UInt8]) {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    isReaped = true
    var errors = [UInt8](repeating: 0, count: 4_096)
    let count = max(0, read(self.errors, &errors, errors.count))
    let signal = status & 0x7f
    return (signal == 0 ? (status >> 8) & 0xff : 128 + signal, Array(errors[..<count]))
  }

  func close() {
    closeInput()
    _ = Glibc.close(output)
    _ = Glibc.close(errors)
    guard !isReaped else { return }
    // Its pipes are closed: it ends by itself, or is not worth waiting for.
    kill(pid, SIGKILL)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    isReaped = true
  }
}
