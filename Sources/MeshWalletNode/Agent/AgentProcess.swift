public import EventLoop
import Glibc

/// The agent as a process of its own, which outlives the command that started it.
public enum AgentProcess {
  /// Starts this program again as an agent, detached from the terminal.
  ///
  /// The password goes through a pipe: neither a flag nor a variable shows it.
  ///
  /// - Parameters:
  ///   - arguments: without the program's name.
  ///   - environment: of the new process.
  ///   - password: its first line of input.
  /// - Returns: the first line that it writes, once it is ready or has failed.
  /// - Throws: `SystemFailure` if it cannot be started.
  public static func start(
    _ arguments: [String],
    environment: [String: String],
    password: String
  ) throws(SystemFailure) -> String {
    let input = try Pipe()
    let output = try Pipe()
    try spawn(arguments, environment, input: input.reader, output: output.writer)
    close(input.reader)
    close(output.writer)
    defer { close(output.reader) }
    write(Array((password + "\n").utf8), to: input.writer)
    close(input.writer)
    return readLine(from: output.reader)
  }

  /// Lets go of the terminal: whoever waits for the first line sees the end of the output.
  public static func detach() {
    let nowhere = open("/dev/null", O_RDWR | O_CLOEXEC)
    guard nowhere >= 0 else { return }
    for descriptor in 0...2 as ClosedRange<Int32> { dup2(nowhere, descriptor) }
    close(nowhere)
  }

  private struct Pipe {
    let reader: Int32
    let writer: Int32

    init() throws(SystemFailure) {
      var ends: [Int32] = [-1, -1]
      guard pipe(&ends) == 0 else { throw SystemFailure("make a pipe", code: errno) }
      (reader, writer) = (ends[0], ends[1])
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }
  }

  /// From <spawn.h> for GNU sources: the process leads a session of its own.
  private static let newSession: Int16 = 0x80

  private static func spawn(
    _ arguments: [String],
    _ environment: [String: String],
    input: Int32,
    output: Int32
  ) throws(SystemFailure) {
    keepDescriptors()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | newSession)
    let path = "/proc/self/exe"
    var words: [UnsafeMutablePointer<CChar>?] = (["mesh-wallet"] + arguments).map { strdup($0) }
    var variables: [UnsafeMutablePointer<CChar>?] = environment.sorted { $0.key < $1.key }
      .map { strdup("\($0.key)=\($0.value)") }
    words.append(nil)
    variables.append(nil)
    defer { for text in words + variables { free(text) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, path, &actions, &attributes, words, variables)
    guard code == 0 else { throw SystemFailure("start the agent", code: code) }
  }

  /// Passes none on but those that are named: whoever started this process may wait for the end of
  /// the last that holds one of his.
  private static func keepDescriptors() {
    guard let directory = opendir("/proc/self/fd") else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if let descriptor = Int32(name), descriptor > 2 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      // An agent that has ended says why on its output.
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  private static func readLine(from descriptor: Int32) -> String {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while line.count < 4096 {
      let count = read(descriptor, &byte, 1)
      if count < 0, errno == EINTR { continue }
      guard count == 1, byte != 10 else { break }
      line.append(byte)
    }
    return String(decoding: line, as: UTF8.self)
  }
}
