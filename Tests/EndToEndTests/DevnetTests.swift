import Foundation
import Testing

@Suite("trellis devnet")
struct DevnetTests {
  @Test("Three nodes tell their story: payments, kill -9, restarts, a newcomer, the supply")
  func smallnano() throws {
    let outcome = try Programs.run(
      "trellis",
      ["devnet", "--only", "smallnano", "--once", "--json"]
    )
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.components(separatedBy: #""what":"Alice pays Bob"#).count == 4)
    #expect(outcome.output.components(separatedBy: #""supply_is_right":true"#).count == 5)
    #expect(!outcome.output.contains(#""supply_is_right":false"#))
  }

  @Test("Four validators: payments, kill -9, catch-up, a double spend proved, no amount on a disk")
  func mesh() throws {
    let outcome = try Programs.run("trellis", ["devnet", "--only", "mesh", "--once", "--json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.components(separatedBy: #""certificate":""#).count == 5)
    #expect(outcome.output.components(separatedBy: #""supply_intact":true"#).count == 5)
    #expect(outcome.errors.contains("no file of theirs shows an amount"))
    #expect(outcome.errors.contains("the proof of 268 bytes holds both signatures"))
  }

  @Test("A dev node: contracts that call each other, headers that check it, kill -9, a repository")
  func tinychain() throws {
    let outcome = try Programs.run(
      "trellis",
      ["devnet", "--only", "tinychain", "--once", "--json"]
    )
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains(#""what":"the till calls both""#))
    #expect(outcome.errors.contains("with nothing but headers"))
    #expect(outcome.errors.contains("its payment was mined again"))
    #expect(outcome.errors.contains("headers first"))
    #expect(outcome.errors.contains("the same state root twice"))
  }

  @Test("Without the node's program it says which one is missing")
  func missingProgram() throws {
    let outcome = try Programs.run("trellis", ["devnet", "--smallnano", "/nowhere/smallnano"])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("there is no program /nowhere/smallnano"))
  }

  @Test("A node that does not start is a failure with a reason, not a wait")
  func brokenProgram() throws {
    let outcome = try Programs.run(
      "trellis",
      ["devnet", "--only", "smallnano", "--once", "--smallnano", "/bin/false"]
    )
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("it ended with status 1"))
  }
}
