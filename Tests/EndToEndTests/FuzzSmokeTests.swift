import Testing

@Suite("trellis fuzz")
struct FuzzSmokeTests {
  @Test("No target breaks in a smoke run")
  func smoke() throws {
    let outcome = try Programs.run("trellis", ["fuzz", "--cases", "2000"])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    let names = try Programs.run("trellis", ["fuzz", "--list"]).output.split(separator: "\n")
    #expect(names.count > 30)
    // What takes a hundred times as long as a decoder gets fewer.
    for name in names {
      let cases = name == "kernels" ? 100 : 2000
      #expect(outcome.output.contains("ok   \(name): \(cases) cases"), "\(name)")
    }
  }

  @Test("A target that does not exist is a wrong call")
  func unknownTarget() throws {
    let outcome = try Programs.run("trellis", ["fuzz", "nothing"])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("no target is named 'nothing'"))
  }
}
