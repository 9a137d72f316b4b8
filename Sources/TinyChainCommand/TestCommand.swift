import Glibc
import Kernel
import Service
import TinyChainNode

private let scripts = Argument<[String]>(
  "script",
  .list(of: .path),
  default: ["."],
  help: "Scripts, their names ending in .test, or directories of them"
)
private let update = Option(
  "update",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Write down what each statement costs, in a file .gas beside each script"
)

/// `tinychain test`.
let testCommand = Command(
  "test",
  summary: "Test contracts by scripts",
  discussion: """
    A statement a line: account NAME UNITS, as NAME, deploy NAME FILE [ARGUMENT …], call NAME \
    [MESSAGE], pay UNITS NAME [MESSAGE], send UNITS NAME, ask NAME [MESSAGE], expect VALUE, expect \
    failure [WORDS], expect event VALUE, expect balance NAME UNITS, warp N blocks, warp N seconds. \
    If a file .gas lies beside a script, statements must cost what stands there. Status 1 if \
    anything was not as expected.
    """,
  examples: [
    .init("tinychain test", "All scripts of this directory"),
    .init("tinychain test counter.test --update", "And remember what it costs"),
  ],
  options: [update, jsonOption],
  arguments: [scripts]
) { call in
  var failed = 0
  var reports: [JSON] = []
  let paths = try call[scripts].flatMap(scriptPaths)
  guard !paths.isEmpty else {
    throw wrong("there is no script here: a file whose name ends in .test")
  }
  for path in paths {
    let (report, failure) = try run(path, update: call[update])
    if failure != nil { failed += 1 }
    reports.append([
      "script": JSON(path), "passed": JSON(failure == nil),
      "failure": failure.map { JSON($0) } ?? .null, "expectations": JSON(report.expectations),
      "transactions": JSON(report.costs.count), "gas": JSON(report.gas),
    ])
    guard !call[jsonOption] else { continue }
    if let failure {
      Terminal.standard.print("FAILED \(path): \(failure)\n")
    } else {
      Terminal.standard.print(
        "ok \(path): \(report.expectations) expectations, \(report.costs.count) transactions, "
          + "\(report.gas) gas\n"
      )
    }
  }
  if call[jsonOption] { Terminal.standard.print(JSON.array(reports).text + "\n") }
  if failed > 0 { throw CommandFailure("\(failed) of \(paths.count) scripts failed") }
}

/// Bytes of a script.
private let scriptMax = 1 << 20

private func run(_ path: String, update: Bool) throws -> (ScriptRun.Report, failure: String?) {
  let text = String(decoding: try read(path, bytesMax: scriptMax), as: UTF8.self)
  let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
  let script: ContractScript
  do {
    script = try ContractScript(text)
  } catch {
    throw wrong("\(path): \(error)")
  }
  let report = ScriptRun.report(script) { file in
    try PrivateFile.read(directory + file, bytesMax: ProgramFile.bytesMax)
  }
  if let failure = report.failure { return (report, failure.description) }
  let costs = report.costs.map { "\($0.gas)  \($0.statement)\n" }
  let gasPath = path.dropLast(".test".count) + ".gas"
  if update {
    try PrivateFile.write(Array(costs.joined().utf8), to: String(gasPath), mode: 0o644)
    return (report, nil)
  }
  guard let known = try? PrivateFile.read(String(gasPath), bytesMax: scriptMax) else {
    return (report, nil)  // nobody has written down what it costs
  }
  let before = String(decoding: known, as: UTF8.self).split(separator: "\n").map { "\($0)\n" }
  guard before != costs else { return (report, nil) }
  guard
    let (cost, line) = zip(report.costs, costs).enumerated()
      .first(where: { $0.offset >= before.count || before[$0.offset] != $0.element.1 })
      .map({ ($0.element.0, $0.offset) })
  else { return (report, "there are costs of more statements in \(gasPath); see --update") }
  let was = line < before.count ? String(before[line].dropLast()) : "nothing"
  return (report, "line \(cost.line): it costs \(cost.gas) gas; in \(gasPath) stands: \(was)")
}

/// The scripts of a directory in order of their names, or the one that is named.
private func scriptPaths(_ path: String) throws -> [String] {
  guard !path.hasSuffix(".test") else { return [path] }
  guard let directory = opendir(path) else {
    throw wrong("\(path) is neither a script, its name ending in .test, nor a directory")
  }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name.hasSuffix(".test") { names.append(name) }
  }
  return names.sorted().map { path == "." ? $0 : "\(path)/\($0)" }
}
