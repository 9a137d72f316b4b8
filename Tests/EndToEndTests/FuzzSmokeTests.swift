import Testing

@Suite("trellis fuzz")
struct FuzzSmokeTests {
  @Test("No target breaks in a smoke run")
  func smoke() throws {
    let outcome = try Programs.run("trellis", ["fuzz", "--cases", "2000"])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    let names = try Programs.run("trellis", ["fuzz", "--list"]).output.split(separator: "\n")
    #expect(names.count > 30)
    let lines = outcome.output.split(separator: "\n")
    for name in names {
      // What takes ten or a hundred times as long as a decoder gets fewer, but never none.
      let line = lines.first { $0.hasPrefix("ok   \(name): ") }
      #expect(line != nil && line?.contains(": 0 cases") == false, "\(name)")
    }
  }

  @Test("A target that does not exist is a wrong call")
  func unknownTarget() throws {
    let outcome = try Programs.run("trellis", ["fuzz", "nothing"])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("no target is named 'nothing'"))
  }
}
