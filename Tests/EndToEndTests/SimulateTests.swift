import Testing

@Suite("trellis simulate")
struct SimulateTests {
  @Test("Some seeds keep every promise, and JSON says so")
  func passes() throws {
    let arguments = ["simulate", "smallnano", "--seeds", "3", "--nodes", "4", "--json"]
    let outcome = try Programs.run("trellis", arguments)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains(#""runs":3"#))
    #expect(outcome.output.contains(#""failures":[]"#))
  }

  @Test("A planted fault is found: the canary's run succeeds", arguments: ["sendBeforePersist"])
  func findsCanary(name: String) throws {
    let arguments = ["simulate", "smallnano", "--canary", name, "--seeds", "50", "--nodes", "5"]
    let outcome = try Programs.run("trellis", arguments)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("\(name): found by seed"))
  }

  /// What each showed.
  ///
  /// 666: the checker held a record that went through two rounds in one write against the disk
  /// before that write, and called an honest vote a second one. 1187: a node rounds ahead of the
  /// others left each as fast as they followed. 778: with that put right, one waited in round 1 for
  /// those that had settled the slot and were in no round any more. 1295 and 2434: a node that missed one of an
  /// equivocator's votes had another favourite than the rest, round after round.
  @Test(
    "Seeds that once broke a promise keep them all",
    arguments: ["666", "778", "1187", "1295", "2434"]
  )
  func keepsFixed(seed: String) throws {
    let outcome = try Programs.run("trellis", ["simulate", "smallnano", "--seed", seed])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
  }

  @Test("Equal seeds print equal traces")
  func traces() throws {
    let arguments = ["simulate", "smallnano", "--seed", "1", "--nodes", "3", "--trace"]
    let first = try Programs.run("trellis", arguments)
    let second = try Programs.run("trellis", arguments)
    #expect(first.status == 0)
    #expect(first.output.count > 1000)
    #expect(first.output == second.output)
  }
}
