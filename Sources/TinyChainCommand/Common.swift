import Glibc
import Kernel
import Service
import TinyChain
import TinyChainNode

/// Gas of a program that is run by itself.
///
/// By default what the slowest machine spends in some seconds, so that an endless program ends.
let gasOption = Option<UInt64>(
  "gas",
  .integer(0...9_000_000_000_000_000_000),
  default: 1_000_000_000,
  scope: .commandLine,
  help: "Gas to spend at most"
)

let jsonOption = Option(
  "json",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Answer in JSON"
)

/// A call that cannot be carried out as given: status 2.
func wrong(_ text: String) -> CommandFailure {
  CommandFailure(text, status: UsageFailure.exitStatus)
}

/// A file that a command was given, or `-` for standard input; a fault is the call's.
func read(_ path: String, bytesMax: Int) throws -> [UInt8] {
  guard path == "-" else {
    do {
      return try PrivateFile.read(path, bytesMax: bytesMax)
    } catch {
      throw wrong("\(error)")
    }
  }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = Glibc.read(STDIN_FILENO, &chunk, chunk.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { throw CommandFailure("standard input cannot be read") }
    if count == 0 { return bytes }
    guard bytes.count + count <= bytesMax else {
      throw wrong("standard input has more than \(bytesMax) bytes")
    }
    bytes += chunk[..<count]
  }
}

/// Writes bytes as they are; false if nobody reads them any longer.
func writeOutput(_ bytes: [UInt8]) -> Bool {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    if count < 0 {
      if errno == EINTR { continue }
      return false
    }
    rest = rest.dropFirst(count)
  }
  return true
}

/// Lines for standard error, gathered so that millions of them take no time.
struct LineOutput {
  private var text = ""

  mutating func append(_ line: String) {
    text += line
    if text.utf8.count > 1 << 16 { flush() }
  }

  mutating func flush() {
    Terminal.standard.printError(text)
    text = ""
  }
}

/// Where the instructions of a Brainfuck program stand in its text.
struct SourcePositions {
  private let source: [UInt8]
  /// Offsets of the instructions.
  private var offsets: [Int] = []
  /// Offsets of the lines' beginnings.
  private var lines: [Int] = [0]

  init(_ source: [UInt8]) {
    self.source = source
    for (offset, byte) in source.enumerated() {
      if Opcode(byte) != nil { offsets.append(offset) }
      if byte == 10 { lines.append(offset + 1) }
    }
  }

  /// Line and column of an instruction.
  subscript(index: Int) -> TextPosition {
    guard index < offsets.count else { return TextPosition(line: 1, column: 1) }
    let offset = offsets[index]
    var (low, high) = (0, lines.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if lines[middle] <= offset { low = middle } else { high = middle }
    }
    return TextPosition(line: low + 1, column: offset - lines[low] + 1)
  }

  /// The beginning of some instructions, without what stands between them.
  func text(of instructions: Range<Int>) -> String {
    let shown = instructions.prefix(40).compactMap { index -> UInt8? in
      index < offsets.count ? source[offsets[index]] : nil
    }
    return String(decoding: shown, as: UTF8.self) + (instructions.count > 40 ? "…" : "")
  }
}
