import Foundation
import Testing

@Suite("trellis devnet")
struct DevnetTests {
  @Test("Three nodes tell their story: payments, kill -9, restarts, a newcomer, the supply")
  func story() throws {
    let outcome = try Programs.run("trellis", ["devnet", "--once", "--json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.components(separatedBy: #""what":"Alice pays Bob"#).count == 4)
    #expect(outcome.output.components(separatedBy: #""supply_is_right":true"#).count == 5)
    #expect(!outcome.output.contains(#""supply_is_right":false"#))
  }

  @Test("Without the node's program it says which one is missing")
  func missingProgram() throws {
    let outcome = try Programs.run("trellis", ["devnet", "--smallnano", "/nowhere/smallnano"])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("there is no program /nowhere/smallnano"))
  }

  @Test("A node that does not start is a failure with a reason, not a wait")
  func brokenProgram() throws {
    let outcome = try Programs.run("trellis", ["devnet", "--once", "--smallnano", "/bin/false"])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("it ended with status 1"))
  }
}
