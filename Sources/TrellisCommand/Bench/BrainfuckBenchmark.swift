import Glibc
import Kernel
import Service
import TinyChain

/// One engine's run of a program.
private struct BrainfuckFigure {
  var seconds: Double
  var gas: UInt64
  var steps: UInt64
  /// FNV-1a of the output.
  var output: UInt64

  func isSameRun(as other: Self) -> Bool {
    gas == other.gas && steps == other.steps && output == other.output
  }
}

/// Runs a program on both engines, and on those named beside them.
///
/// - Parameters:
///   - path: of the program; it runs with empty input.
///   - baseline: bench/brainfuck.c, compiled; nil for none.
///   - beef: an interpreter of the system, which counts neither gas nor bounds; nil for none.
/// - Throws: `CommandFailure` if a program does not run, or two engines differ.
func benchmarkBrainfuck(_ path: String, baseline: String?, beef: String?) throws {
  guard let source = contents(of: path) else { throw CommandFailure("\(path) cannot be read") }
  guard let program = try? BrainfuckProgram(source: source) else {
    throw CommandFailure("\(path) is no program: its brackets do not match, or it is too long")
  }
  var folded = FoldedProgram(program)
  let fold = ownTime { folded = FoldedProgram(program) }
  let fast = try measured { $0.run(folded) }
  let naive = try measured { $0.runNaively(program) }
  guard fast.isSameRun(as: naive) else { throw CommandFailure("the engines differ on \(path)") }

  let microseconds = Int(fold * 1e6)
  print("\(path): \(fast.steps) steps, \(fast.gas) gas, folded in \(microseconds) us")
  func show(_ name: String, _ figure: BrainfuckFigure) {
    let perGas = decimal(figure.seconds * 1e9 / Double(max(1, figure.gas)))
    print("  \(name)  \(decimal(figure.seconds * 1e3)) ms, \(perGas) ns a gas")
  }
  show("naive       ", naive)
  show("optimising  ", fast)
  print("    \(decimal(naive.seconds / fast.seconds)) times as fast as the naive one")
  if let beef {
    let seconds = try childTime("\(try quoted([beef, path])) >/dev/null </dev/null")
    print("  beef          \(decimal(seconds * 1e3)) ms, without gas")
    print("    optimising: \(decimal(seconds / fast.seconds)) times as fast")
  }
  guard let baseline else { return }
  let fastC = try measured(baseline, "folded", path)
  let naiveC = try measured(baseline, "naive", path)
  guard fast.isSameRun(as: fastC), fast.isSameRun(as: naiveC) else {
    throw CommandFailure("the engines in C differ on \(path)")
  }
  show("naive, C    ", naiveC)
  show("folded, C   ", fastC)
  print("    optimising: \(decimal(fast.seconds / fastC.seconds)) times the time of the same in C")
  print("    naive: \(decimal(naive.seconds / naiveC.seconds)) times")
}

/// The fastest of some runs of a fresh machine.
private func measured(
  _ run: (inout BrainfuckMachine) -> BrainfuckStop
) throws -> BrainfuckFigure {
  var best = Double.infinity
  var machine = BrainfuckMachine(gas: .max)
  for round in 0..<5 where round < 2 || best < 1 {
    machine = BrainfuckMachine(gas: .max)
    var stop = BrainfuckStop.finished
    best = min(best, ownTime { stop = run(&machine) })
    guard stop == .finished else { throw CommandFailure("it does not end: \(stop)") }
  }
  let hash = machine.output.reduce(0xcbf2_9ce4_8422_2325) { hash, byte in
    (hash ^ UInt64(byte)) &* 0x100_0000_01b3
  }
  return BrainfuckFigure(
    seconds: best,
    gas: UInt64(Int64.max - machine.gas),
    steps: machine.steps,
    output: hash
  )
}

/// What the program in C prints: seconds, gas, steps, hash of the output.
private func measured(_ program: String, _ engine: String, _ path: String) throws
  -> BrainfuckFigure
{
  guard let pipe = popen("\(try quoted([program, engine, path])) 3", "r") else {
    throw CommandFailure("\(program) cannot be started")
  }
  var line = [CChar](repeating: 0, count: 256)
  let isRead = fgets(&line, Int32(line.count), pipe) != nil
  guard pclose(pipe) == 0, isRead else { throw CommandFailure("\(program) failed on \(path)") }
  let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  let words = text.split { $0 == " " || $0 == "\n" }
  guard words.count == 4, let seconds = Double(words[0]), let gas = UInt64(words[1]),
    let steps = UInt64(words[2]), let output = UInt64(words[3], radix: 16)
  else { throw CommandFailure("\(program) answers '\(text)'") }
  return BrainfuckFigure(seconds: seconds, gas: gas, steps: steps, output: output)
}

/// Words for a shell.
private func quoted(_ words: [String]) throws -> String {
  guard !words.contains(where: { $0.contains("'") }) else {
    throw CommandFailure("a path with ' in it cannot be given to another program")
  }
  return words.map { "'\($0)'" }.joined(separator: " ")
}

/// Processor seconds of a command that runs to its end.
private func childTime(_ command: String) throws -> Double {
  func now() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
    let (user, system) = (usage.ru_utime, usage.ru_stime)
    return Double(user.tv_sec + system.tv_sec) + Double(user.tv_usec + system.tv_usec) / 1e6
  }
  let start = now()
  guard system(command) == 0 else { throw CommandFailure("\(command) failed") }
  return now() - start
}

/// Seconds of this process's own time, which other processes do not lengthen.
private func ownTime(_ work: () -> Void) -> Double {
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
  let start = now()
  work()
  return now() - start
}

private func contents(of path: String) -> [UInt8]? {
  guard let file = fopen(path, "rb") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    guard count > 0 else { return bytes }
    bytes += chunk[..<count]
  }
}
