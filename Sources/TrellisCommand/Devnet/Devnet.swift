import EventLoop
import Glibc
import Kernel
import Service

/// Why the story ended early: the step, and what went wrong in it.
struct DevnetFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// A program that the devnet started, with its output in a file.
struct DevnetProcess: Sendable {
  let name: String
  let program: ChildProcess
  let logPath: String

  var pid: pid_t { program.pid }
  var usage: ProcessUsage? { ProcessUsage(pid) }

  /// The last lines that it has logged.
  var logTail: String {
    guard let bytes = try? PrivateFile.read(logPath, bytesMax: 64 << 20) else {
      return "it has logged nothing"
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(12)
      .map { "    \($0)" }.joined(separator: "\n")
  }
}

/// The processes, started and ended in one place.
///
/// On the loop's thread, which is the one whose end would kill the children.
actor Devnet {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  nonisolated let directory: String
  private let say: @Sendable (String) -> Void
  private let startedAt: Instant
  /// By name, in the order of their first start; the dead ones too.
  private var processes: [DevnetProcess] = []
  private var running: Set<pid_t> = []
  /// Run so far, for the names of their outputs.
  private var commands = 0

  /// A process answers its first call well within this; a loaded machine may take its time.
  static let patience = Duration.seconds(60)

  init(directory: String, on loop: EventLoop, say: @escaping @Sendable (String) -> Void) {
    self.directory = directory
    self.loop = loop
    self.say = say
    startedAt = loop.now
  }

  /// Tells a story, stays up if asked, and ends every process, whatever happened.
  ///
  /// - Parameters:
  ///   - acts: for what they say and give up at the end.
  ///   - signals: one of which ends it.
  ///   - staysUp: after the story, until a signal.
  ///   - story: what there is to tell.
  /// - Returns: whether every step succeeded.
  func run(
    _ acts: [any DevnetAct],
    signals: AsyncStream<Signal>,
    staysUp: Bool,
    story: @escaping @Sendable () async throws -> Void
  ) async -> Result<Void, any Error> {
    let result: Result<Void, any Error>
    do {
      try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask(executorPreference: loop) {
          try await story()
          return staysUp
        }
        group.addTask {
          for await signal in signals { throw Interruption(signal: signal) }
          return true
        }
        // The first task to end is the story; the signals end only by throwing.
        if try await group.next() == true {
          var examples = ""
          for act in acts { examples += await act.examples() }
          note("All stays up until Ctrl-C. Try:\n\n\(examples)")
          _ = try await group.next()
        }
        group.cancelAll()
      }
      result = .success(())
    } catch let interruption as Interruption {
      say("\n")
      let status = 128 + interruption.signal.rawValue
      let isEnd = staysUp && interruption.signal == .interrupt
      result = isEnd ? .success(()) : .failure(CommandFailure("interrupted", status: status))
    } catch {
      result = .failure(CommandFailure("\(error)"))
    }
    for act in acts { await act.close() }
    await stopAll()
    return result
  }

  private struct Interruption: Error {
    let signal: Signal
  }

  // MARK: Telling

  /// A line of the story, with the seconds since it began.
  func note(_ text: String) {
    let tenths = (loop.now - startedAt).wholeMilliseconds / 100
    let seconds = "\(tenths / 10).\(tenths % 10)"
    say(String(repeating: " ", count: max(0, 6 - seconds.count)) + seconds + "  \(text)\n")
  }

  // MARK: Processes

  /// Writes a file into the devnet's directory.
  func write(_ name: String, _ text: String) throws -> String {
    let path = "\(directory)/\(name)"
    try PrivateFile.write(Array(text.utf8), to: path)
    return path
  }

  /// Starts a process, or starts it again; its output goes to `NAME.log`, appended.
  ///
  /// - Parameters:
  ///   - name: what it is called in the story.
  ///   - program: to run.
  ///   - arguments: without the program's name.
  ///   - prefix: of environment variables that it must not inherit: "SMALLNANO_".
  /// - Returns: the process, which may not listen yet.
  /// - Throws: `SystemFailure` if the program cannot be started.
  func launch(
    _ name: String,
    _ program: String,
    _ arguments: [String],
    without prefix: String
  ) throws -> DevnetProcess {
    let log = "\(directory)/\(name).log"
    let child = try ChildProcess(
      program,
      arguments,
      environment: Program.environment().filter { !$0.key.hasPrefix(prefix) },
      log: log
    )
    let process = DevnetProcess(name: name, program: child, logPath: log)
    running.insert(process.pid)
    if let index = processes.firstIndex(where: { $0.name == name }) {
      processes[index] = process
    } else {
      processes.append(process)
    }
    return process
  }

  func isRunning(_ process: DevnetProcess) -> Bool { running.contains(process.pid) }

  /// For what waits until a process listens: one that has ended never will.
  ///
  /// - Throws: `DevnetFailure` with the end and the last lines of its log.
  func requireAlive(_ process: DevnetProcess) throws {
    if let end = process.program.ended() {
      running.remove(process.pid)
      throw DevnetFailure("it ended with \(end):\n\(process.logTail)")
    }
  }

  /// Runs a command to its end and reads its answer.
  ///
  /// - Parameters:
  ///   - program: to run, with `--json` among its arguments.
  ///   - arguments: without the program's name.
  ///   - variables: of its environment, beside the inherited ones.
  ///   - prefix: of variables that it must not inherit.
  /// - Returns: what it printed.
  /// - Throws: `DevnetFailure` with what it said if its status is not 0, or its answer not JSON.
  func answer(
    of program: String,
    _ arguments: [String],
    variables: [String: String] = [:],
    without prefix: String
  ) async throws -> JSON {
    let output = try await run(program, arguments, variables: variables, without: prefix)
    do {
      return try JSON(parsing: output)
    } catch {
      throw DevnetFailure("\(program) answered no JSON (\(error)): \(output)")
    }
  }

  /// Runs a command to its end.
  ///
  /// - Parameters:
  ///   - program: its path.
  ///   - arguments: without the program's name.
  ///   - variables: of its environment, beside the inherited ones.
  ///   - prefix: of variables that it must not inherit; nil inherits all.
  /// - Returns: what it printed.
  /// - Throws: `DevnetFailure` with what it said if its status is not 0.
  @discardableResult
  func run(
    _ program: String,
    _ arguments: [String],
    variables: [String: String] = [:],
    without prefix: String? = nil
  ) async throws -> String {
    commands += 1
    let (output, errors) = ("\(directory)/command-\(commands)", "\(directory)/errors-\(commands)")
    let inherited = Program.environment().filter { variable in
      prefix.map { !variable.key.hasPrefix($0) } ?? true
    }
    let child = try ChildProcess(
      program,
      arguments,
      environment: inherited.merging(variables) { $1 },
      log: output,
      errors: errors
    )
    running.insert(child.pid)
    var end: ChildProcess.End?
    while end == nil {
      await pause(.microseconds(500))
      end = child.ended()
    }
    running.remove(child.pid)
    func text(_ path: String) -> String {
      // A command that was told to end may have written nothing.
      (try? PrivateFile.read(path, bytesMax: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
        ?? ""
    }
    try Task.checkCancellation()
    guard end == .status(0) else {
      let name = program.split(separator: "/").last.map(String.init) ?? program
      let call = ([name] + arguments).joined(separator: " ")
      throw DevnetFailure("\(call) ended with \(end?.description ?? "?"):\n\(text(errors))")
    }
    return text(output)
  }

  /// Ends a process as a power cut would.
  func kill(_ process: DevnetProcess) async {
    process.program.signal(SIGKILL)
    while running.contains(process.pid) {
      collectEnded()
      if running.contains(process.pid) { await pause(.milliseconds(1)) }
    }
  }

  /// Ends every process: politely, then not.
  ///
  /// Not cancelled with the story.
  private func stopAll() async {
    for pid in running { Glibc.kill(pid, SIGTERM) }
    let deadline = loop.now + .seconds(5)
    while !running.isEmpty, loop.now < deadline {
      collectEnded()
      if !running.isEmpty { await pause(.milliseconds(10)) }
    }
    for pid in running { Glibc.kill(pid, SIGKILL) }
    while !running.isEmpty {
      collectEnded()
      if !running.isEmpty { await pause(.milliseconds(2)) }
    }
  }

  private func collectEnded() {
    for pid in running where waitpid(pid, nil, WNOHANG) != 0 { running.remove(pid) }
  }

  /// A sleep that a cancelled task takes too: what ends processes must not spin.
  private func pause(_ duration: Duration) async {
    await withCheckedContinuation { continuation in
      _ = loop.schedule(after: duration) { continuation.resume() }
    }
  }

  // MARK: Waiting

  /// Asks again and again until there is an answer.
  ///
  /// - Parameters:
  ///   - what: said if it does not come: "east answers".
  ///   - patience: how long to go on.
  ///   - interval: between two questions.
  ///   - question: nil for "not yet".
  /// - Returns: the answer.
  /// - Throws: `DevnetFailure` when time is up, or what the question throws.
  @discardableResult
  func wait<Answer: Sendable>(
    _ what: String,
    for patience: Duration = Devnet.patience,
    every interval: Duration = .milliseconds(20),
    until question: @Sendable () async throws -> Answer?
  ) async throws -> Answer {
    let deadline = loop.now + patience
    while true {
      do {
        if let answer = try await question() { return answer }
      } catch let cancellation as CancellationError {
        throw cancellation
      } catch {
        throw DevnetFailure("waited until \(what), but \(error)")
      }
      guard loop.now < deadline else {
        throw DevnetFailure(
          "waited \(patience.components.seconds) s until \(what), in vain\n\(logs())"
        )
      }
      try await loop.sleep(for: interval)
    }
  }

  /// What each process said last, for a failure.
  private func logs() -> String {
    processes.map { "  \($0.name):\n\($0.logTail)" }.joined(separator: "\n")
  }
}
