import Foundation
import Testing

/// The blocks of a document that can be carried out.
private struct Tutorial {
  enum Block {
    case file(name: String, text: String)
    case commands([(line: String, output: [String])], on: String?)
    /// What the reader lets run in another terminal.
    case beside(String)
  }

  var blocks: [Block] = []

  /// A block's first line is its language, then for files a name.
  ///
  /// In `console` blocks a line that begins with `$ ` is a command, the others are what it prints.
  /// After `console` may stand the address of the machine that it is typed on.
  init(_ text: String) throws {
    var lines = text.components(separatedBy: "\n")[...]
    while let line = lines.popFirst() {
      guard line.hasPrefix("```"), line.count > 3 else { continue }
      var body: [String] = []
      while let next = lines.popFirst(), next != "```" { body.append(next) }
      let words = line.dropFirst(3).split(separator: " ")
      let machine = words.count == 2 && words[1].first?.isNumber == true ? String(words[1]) : nil
      if words == ["console"] || machine != nil {
        var commands: [(line: String, output: [String])] = []
        for line in body {
          if line.hasPrefix("$ ") {
            commands.append((String(line.dropFirst(2)), []))
          } else {
            try #require(!commands.isEmpty)
            commands[commands.count - 1].output.append(line)
          }
        }
        blocks.append(.commands(commands, on: machine))
      } else if words.first == "console" {
        blocks.append(.beside(body.joined(separator: "\n")))
      } else if words.count == 2 {
        blocks.append(.file(name: String(words[1]), text: body.joined(separator: "\n") + "\n"))
      }
    }
  }
}

/// The two machines of a chapter: network namespaces with a cable between them, which takes root, or
/// else this machine alone, with two ports.
private struct Machines {
  private let names: [String: String]
  private let ports: [String: UInt16]
  private static let addresses = ["192.0.2.1", "192.0.2.2"]

  init() throws {
    let suffix = "\(ProcessInfo.processInfo.processIdentifier)"
    let names = ["tiny-a-\(suffix)", "tiny-b-\(suffix)"]
    let script = """
      set -e
      ip netns add \(names[0]); ip netns add \(names[1])
      ip link add name cable netns \(names[0]) type veth peer name cable netns \(names[1])
      ip -n \(names[0]) address add \(Self.addresses[0])/24 dev cable
      ip -n \(names[1]) address add \(Self.addresses[1])/24 dev cable
      for name in \(names[0]) \(names[1])
      do ip -n $name link set lo up; ip -n $name link set cable up; done
      """
    if getuid() == 0, Self.run(script) == 0 {
      self.names = Dictionary(uniqueKeysWithValues: zip(Self.addresses, names))
      ports = [:]
    } else {
      for name in names { _ = Self.run("ip netns delete \(name)") }
      print("no network namespaces can be had here: two machines are two ports of this one")
      self.names = [:]
      ports = [Self.addresses[0]: try Self.freePort(), Self.addresses[1]: try Self.freePort()]
    }
  }

  /// The command as it is typed on that machine.
  func command(_ line: String, on machine: String) -> String {
    guard let name = names[machine] else { return text(line) }
    return line.replacingOccurrences(of: "tinychain ", with: "ip netns exec \(name) tinychain ")
  }

  /// A line in which the addresses are those of the machines.
  func text(_ line: String) -> String {
    ports.reduce(line) { line, place in
      line.replacingOccurrences(
        of: "--address \(place.key) --port 5100",
        with: "--address 127.0.0.1 --port \(place.value)"
      )
      .replacingOccurrences(of: "\(place.key):5100", with: "127.0.0.1:\(place.value)")
    }
  }

  func remove() {
    for name in names.values { _ = Self.run("ip netns delete \(name)") }
  }

  private static func run(_ script: String) -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return -1 }
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// One that nobody has now; the kernel does not give it to the next who asks.
  private static func freePort() throws -> UInt16 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 ? getsockname(socket, $0, &length) : -1
      }
    }
    try #require(status == 0)
    return UInt16(bigEndian: address.sin_port)
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
    let machines = try Machines()
    defer { machines.remove() }
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
      case .commands(let commands, let machine):
        for command in commands {
          let line = machine.map { machines.command(command.line, on: $0) } ?? command.line
          script += "{ \(line)\n} >\(place.path)/out.\(expected.count) 2>&1 </dev/null\n"
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
          && zip(lines, command.output.map(machines.text)).allSatisfy(Self.matches),
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
