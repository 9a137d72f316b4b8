import Foundation
import Testing

/// The blocks of a document that can be carried out.
private struct Tutorial {
  enum Block {
    case file(name: String, text: String)
    case commands([(line: String, output: [String])])
    /// What the reader lets run in another terminal.
    case beside(String)
  }

  var blocks: [Block] = []

  /// A block's first line is its language, then for files a name.
  ///
  /// In `console` blocks a line that begins with `$ ` is a command, the others are what it prints.
  init(_ text: String) throws {
    var lines = text.components(separatedBy: "\n")[...]
    while let line = lines.popFirst() {
      guard line.hasPrefix("```"), line.count > 3 else { continue }
      var body: [String] = []
      while let next = lines.popFirst(), next != "```" { body.append(next) }
      let words = line.dropFirst(3).split(separator: " ")
      if words == ["console"] {
        var commands: [(line: String, output: [String])] = []
        for line in body {
          if line.hasPrefix("$ ") {
            commands.append((String(line.dropFirst(2)), []))
          } else {
            try #require(!commands.isEmpty)
            commands[commands.count - 1].output.append(line)
          }
        }
        blocks.append(.commands(commands))
      } else if words.first == "console" {
        blocks.append(.beside(body.joined(separator: "\n")))
      } else if words.count == 2 {
        blocks.append(.file(name: String(words[1]), text: body.joined(separator: "\n") + "\n"))
      }
    }
  }
}

@Suite("The tutorial of tinychain", .timeLimit(.minutes(5)))
struct TinyChainTutorialTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static func text() throws -> String {
    let url = root.appending(path: "docs/tutorials/tinychain.md")
    return try String(contentsOf: url, encoding: .utf8)
  }

  @Test("Every command prints what the tutorial says")
  func commands() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    try FileManager.default.createSymbolicLink(
      atPath: "\(place.path)/examples",
      withDestinationPath: Self.root.appending(path: "examples").path
    )
    let data = "\(place.path)/data"
    let tutorial = try Tutorial(try Self.text())
    // One shell for all, as variables live on; each command's output goes to a file of its own.
    var script = ""
    var expected: [(line: String, output: [String])] = []
    var beside: [String] = []
    for block in tutorial.blocks {
      switch block {
      case .beside(let command): beside.append(command)
      case .file(let name, let text): script += "cat >\(name) <<'END-OF-FILE'\n\(text)END-OF-FILE\n"
      case .commands(let commands):
        for command in commands {
          script += "{ \(command.line)\n} >\(place.path)/out.\(expected.count) 2>&1 </dev/null\n"
          expected.append(command)
        }
      }
    }
    #expect(expected.count > 40)
    #expect(beside == ["$ tinychain dev"])
    let node = try DevNodeProcess(data: data)
    defer { node.end(with: SIGKILL) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = URL(fileURLWithPath: place.path)
    var environment = ProcessInfo.processInfo.environment
    environment["PATH"] = "\(Programs.directory):\(environment["PATH"] ?? "/usr/bin:/bin")"
    environment["TINYCHAIN_DATA_DIR"] = data
    process.environment = environment
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    for (index, command) in expected.enumerated() {
      let output = try String(contentsOfFile: "\(place.path)/out.\(index)", encoding: .utf8)
      var lines = output.components(separatedBy: "\n")
      if lines.last == "" { lines.removeLast() }
      #expect(
        lines.count == command.output.count
          && zip(lines, command.output).allSatisfy(Self.matches),
        "$ \(command.line)\n\(output)instead of\n\(command.output.joined(separator: "\n"))"
      )
    }
  }

  /// Whether a line is the one that is written, in which `…` stands for anything.
  private static func matches(_ line: String, _ pattern: String) -> Bool {
    let parts = pattern.components(separatedBy: "…")
    guard parts.count > 1 else { return line == pattern }
    guard line.hasPrefix(parts[0]) else { return false }
    var rest = line.dropFirst(parts[0].count)
    for part in parts.dropFirst().dropLast() {
      guard let range = rest.range(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(parts[parts.count - 1])
  }

  @Test("Every file of the core is read in some chapter")
  func files() throws {
    let text = try Self.text()
    let core = Self.root.appending(path: "Sources/TinyChain").resolvingSymlinksInPath().path
    let files = try #require(FileManager.default.enumerator(atPath: core)?.allObjects as? [String])
    #expect(files.count > 20)
    for file in files where file.hasSuffix(".swift") {
      #expect(text.contains("(../../Sources/TinyChain/\(file))"), "\(file)")
    }
  }
}
