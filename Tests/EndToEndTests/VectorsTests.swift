import Foundation
import Testing

@Suite("trellis vectors check")
struct VectorsTests {
  /// The file beside the other vectors of this package.
  static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../Vectors/bulletproofsplus/bulletproofs-plus.json").path

  @Test("Every case of the range proofs is ok, a line each")
  func all() throws {
    let outcome = try Programs.run("trellis", ["vectors", "check", Self.file])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count > 20)
    for line in lines { #expect(line.hasPrefix("ok "), "\(line)") }
  }

  @Test("A case that differs is named with what differed, and the status is 1")
  func difference() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let path = "\(place.path)/changed.json"
    let vectors = try String(contentsOfFile: Self.file, encoding: .utf8)
    try vectors.replacingOccurrences(of: "\"valid\": false", with: "\"valid\": true")
      .write(toFile: path, atomically: false, encoding: .utf8)
    let outcome = try Programs.run("trellis", ["vectors", "check", path])
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("FAIL"))
    #expect(outcome.output.contains("ok "))
  }

  @Test(
    "Files that are none say why",
    arguments: [
      ("", "not JSON"), ("{", "not JSON"), ("[]", "no object"), ("{\"vectors\":[]}", "\"about\""),
      ("{\"about\":\"x\"}", "\"vectors\""),
      ("{\"about\":\"x\",\"vectors\":[{\"name\":\"a\"}]}", "unknown kind"),
    ]
  )
  func refusals(text: String, reason: String) throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let path = "\(place.path)/vectors.json"
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    let outcome = try Programs.run("trellis", ["vectors", "check", path])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(path), "\(outcome.errors)")
    #expect(outcome.errors.contains(reason), "\(outcome.errors)")
  }

  @Test(
    "A path that KERNELS asks for and nobody knows is refused",
    arguments: ["smallnano", "mesh-validator", "mesh-wallet", "tinychain", "trellis"]
  )
  func unknownPath(program: String) throws {
    let outcome = try Programs.run(program, ["--version"], environment: ["KERNELS": "sse9"])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("KERNELS is 'sse9'"))
  }
}
