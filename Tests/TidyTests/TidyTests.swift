import Foundation
import Testing

/// The repository, two directories above this one.
private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()

/// A file that is looked at, with its path from the root.
struct SourceFile {
  let path: String
  let text: String

  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

  /// `Kernel` of `Sources/Kernel/JSON/JSON.swift`.
  var target: String {
    let parts = path.split(separator: "/")
    return parts.count > 2 ? String(parts[1]) : ""
  }

  var isLibrary: Bool { path.hasPrefix("Sources/") && !target.hasSuffix("Command") }
}

/// One rule of the house that the compiler does not keep.
struct TidyRule: Sendable, CustomTestStringConvertible {
  let name: String
  /// A file that breaks the rule, as a proof that it can be broken.
  let sinner: SourceFile
  /// What is wrong with a file, with the line.
  let faults: @Sendable (SourceFile) -> [String]

  var testDescription: String { name }

  /// A rule that holds for each line of code on its own; comments do not count.
  static func lines(
    _ name: String,
    sinner: SourceFile,
    where applies: @escaping @Sendable (SourceFile) -> Bool = { _ in true },
    isFault: @escaping @Sendable (String) -> Bool
  ) -> TidyRule {
    TidyRule(name: name, sinner: sinner) { file in
      guard applies(file) else { return [] }
      return file.lines.enumerated().compactMap { number, line in
        let code = code(of: line)
        return isFault(code) ? "\(file.path):\(number + 1): \(code)" : nil
      }
    }
  }

  private static func code(of line: Substring) -> String {
    let trimmed = line.drop { $0 == " " }
    return trimmed.hasPrefix("//") ? "" : String(trimmed)
  }

  static let all: [TidyRule] = [
    .lines(
      "No Foundation and no NIO in a library",
      sinner: SourceFile(path: "Sources/Kernel/A.swift", text: "public import Foundation"),
      where: \.isLibrary
    ) { line in
      let words = line.split(separator: " ")
      guard words.contains("import"), let module = words.last else { return false }
      return module.hasPrefix("Foundation") || module.hasPrefix("NIO")
    },
    .lines(
      "No regular expressions in what ships",
      sinner: SourceFile(path: "Sources/HTTP/A.swift", text: "let word = " + "/[a-z]+/"),
      where: { $0.path.hasPrefix("Sources/") }
    ) { line in
      line.contains("Regex" + "<") || line.contains("Regex" + "(") || line.contains("#" + "/")
        || line.contains("= /")
        || line.contains("(/") && !line.contains("(//") && !line.contains("(/ ")
    },
    .lines(
      "No try! and no as!",
      sinner: SourceFile(path: "Sources/Kernel/A.swift", text: "let a = tr" + "y! f()"),
      where: { $0.path.hasPrefix("Sources/") }
    ) { $0.contains("tr" + "y! ") || $0.contains(" a" + "s! ") },
    .lines(
      "A library does not print",
      sinner: SourceFile(path: "Sources/SmallNano/A.swift", text: "  pri" + "nt(1)"),
      where: \.isLibrary
    ) { $0.hasPrefix("pri" + "nt(") || $0.contains("debugPri" + "nt(") },
    .lines(
      "No path of somebody's machine",
      sinner: SourceFile(path: "Sources/Kernel/A.swift", text: "let path = \"/ho" + "me/me\""),
      where: { !$0.path.hasPrefix("Sources/TrellisCommand/Devnet/") }
    ) { line in
      ["/wo" + "rk/", "/ho" + "me/", "/Us" + "ers/", "/ro" + "ot/"].contains { line.contains($0) }
    },
    TidyRule(
      name: "A file has at most 700 lines",
      sinner: SourceFile(
        path: "Sources/Kernel/A.swift",
        text: String(repeating: "\n", count: 701)
      )
    ) { file in
      // Tables of words are no prose to be read.
      let isTable = file.path.hasSuffix("MnemonicWords.swift")
      return file.lines.count > 700 && !isTable ? ["\(file.path): \(file.lines.count) lines"] : []
    },
    .lines(
      "Only tests, the simulations and trellis import Simulation",
      sinner: SourceFile(path: "Sources/SmallNanoNode/A.swift", text: "import Simulation"),
      where: {
        $0.path.hasPrefix("Sources/")
          && !$0.target.hasSuffix("Simulation") && $0.target != "TrellisCommand"
      }
    ) { $0.hasSuffix("import Simulation") },
    .lines(
      "Only QUIC's engine knows ngtcp2 and GnuTLS",
      sinner: SourceFile(path: "Sources/QUIC/QUICStream.swift", text: "import CNGTCP2"),
      where: { !$0.path.hasPrefix("Sources/QUIC/Engine/") }
    ) { $0.hasSuffix("import CNGTCP2") },
    .lines(
      "smallnano speaks TCP alone, and links neither ngtcp2 nor GnuTLS",
      sinner: SourceFile(path: "Sources/SmallNanoNode/A.swift", text: "import QUIC"),
      where: { file in
        ["SmallNanoNode", "SmallNanoCommand", "HTTP", "Service", "Transport"].contains(file.target)
      }
    ) { $0.hasSuffix("import QUIC") },
    .lines(
      "tinychain signs on secp256k1 alone, and links neither Ed25519 nor its curve",
      sinner: SourceFile(path: "Sources/Kernel/A.swift", text: "import Curve25519"),
      where: { file in
        file.target.hasPrefix("TinyChain")
          || [
            "Kernel", "Service", "Vault", "Storage", "Transport", "HTTP", "EventLoop", "Mining",
            "Poseidon2", "Secp256k1", "BrainfuckAssembler",
          ].contains(file.target)
      }
    ) { $0.hasSuffix("import EdDSA") || $0.hasSuffix("import Curve25519") },
    .lines(
      "A pure target awaits nothing, and knows neither clock nor system",
      sinner: SourceFile(path: "Sources/SmallNano/A.swift", text: "  let now = await clock()"),
      where: { pure.contains($0.target) && $0.path.hasPrefix("Sources/") }
    ) { line in
      line.contains("await ") || line.hasSuffix("import Glibc") || line.contains("Clock.now")
        || line.contains("SystemRandomNumberGenerator")
    },
  ]

  private static let pure: Set = [
    "Curve25519", "Keccak", "BulletproofsPlus", "Kernel", "SmallNano", "Mesh", "Simulation",
    "SmallNanoSimulation", "MeshSimulation", "EdDSA", "Secp256k1", "TinyChain",
    "BrainfuckAssembler",
  ]
}

@Suite("Tidiness")
struct TidyTests {
  static let sources = files(below: ["Sources", "Tests"])

  @Test("The rules hold", arguments: TidyRule.all)
  func holds(rule: TidyRule) {
    let faults = Self.sources.flatMap(rule.faults)
    #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
  }

  @Test("Each rule can be broken", arguments: TidyRule.all)
  func canBeBroken(rule: TidyRule) {
    #expect(!rule.faults(rule.sinner).isEmpty)
  }

  @Test("There is something to look at")
  func findsSources() {
    #expect(Self.sources.count > 100)
  }

  @Test("The scripts that README names exist and can be run")
  func readmeCommandsExist() throws {
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    let named = Self.scripts(in: readme)
    #expect(named.contains("scripts/devnet"))
    #expect(named.contains("scripts/test"))
    for script in named.sorted() {
      let path = root.appending(path: script).path
      #expect(FileManager.default.isExecutableFile(atPath: path), "\(script)")
    }
    #expect(Self.scripts(in: "run `scripts/nothing --now` first") == ["scripts/nothing"])
  }

  @Test("The files that the documents link to exist")
  func documentLinksExist() throws {
    for document in Self.files(below: ["docs"], suffix: ".md") + Self.files(named: ["README.md"]) {
      let directory = root.appending(path: document.path).deletingLastPathComponent()
      for link in Self.links(in: document.text) {
        let path = directory.appending(path: link).path
        #expect(FileManager.default.fileExists(atPath: path), "\(document.path): \(link)")
      }
    }
    #expect(Self.links(in: "see [it](docs/none.md#part) and [us](https://a.b)") == ["docs/none.md"])
  }

  private static func scripts(in text: String) -> Set<String> {
    let words = text.split { !$0.isLetter && !$0.isNumber && !"/-_.".contains($0) }
    return Set(words.filter { $0.hasPrefix("scripts/") && $0.count > 8 }.map(String.init))
  }

  private static func links(in text: String) -> [String] {
    text.components(separatedBy: "](").dropFirst().compactMap { rest in
      let target = rest.prefix { $0 != ")" && $0 != "#" }
      return target.isEmpty || target.contains("://") ? nil : String(target)
    }
  }

  private static func files(below directories: [String], suffix: String = ".swift") -> [SourceFile]
  {
    let paths = directories.flatMap { directory in
      (FileManager.default.enumerator(atPath: root.appending(path: directory).path)?.allObjects
        as? [String] ?? []).filter { $0.hasSuffix(suffix) }.map { "\(directory)/\($0)" }
    }
    return files(named: paths.sorted())
  }

  private static func files(named paths: [String]) -> [SourceFile] {
    paths.compactMap { path in
      (try? String(contentsOf: root.appending(path: path), encoding: .utf8))
        .map { SourceFile(path: path, text: $0) }
    }
  }
}
