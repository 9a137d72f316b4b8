import Testing
import TinyChainNode

@Suite("Scripts that test contracts")
struct ContractScriptTests {
  private static let files: [String: String] = [
    "counter.asm": "stored low\nadd low 1\nanswer low\n",
    "echo.bf": ",[.,]",
    "purse.lisp": """
    (contract (purse owner)
      (on (receive) (emit 'got value))
      (on (pay-out to n) (require (equal? caller owner) 'only-the-owner) (pay to n))
      (view (height) height)
      (view (sum a b) (+ a b)))
    """,
  ]

  private struct NoFile: Error {}

  private func run(_ script: String) throws -> ScriptRun.Report {
    ScriptRun.report(try ContractScript(script)) { name in
      guard let text = Self.files[name] else { throw NoFile() }
      return Array(text.utf8)
    }
  }

  @Test("Calls, asking, coins, events, failures and time, in both languages")
  func passes() throws {
    let report = try run(
      """
      # All there is.
      account alice 1000
      account bob 0
      deploy counter counter.asm
      call counter
      call counter
      expect 0x02
      expect 2u8
      ask counter
      expect 0x03
      deploy echo echo.bf
      call echo "a b"
      expect "a b"
      deploy purse purse.lisp @alice
      send 5 bob
      expect balance bob 5
      pay 10 purse
      expect event (got 10)
      expect balance purse 10
      as bob
      call purse (pay-out @bob 10)
      expect failure only-the-owner
      as alice
      call purse (pay-out @bob 10)
      expect balance bob 15
      ask purse (height)
      expect 11
      warp 100 blocks
      ask purse (height)
      expect 111
      warp 60 seconds
      ask purse (sum 1 2)
      expect 3
      """
    )
    #expect(report.failure == nil)
    #expect(report.expectations == 12)
    #expect(report.costs.map(\.line) == [4, 5, 6, 11, 12, 14, 15, 17, 24])
    #expect(report.costs.allSatisfy { $0.gas > 2_000 })
  }

  @Test(
    "What is not as expected is told with its line",
    arguments: [
      ("deploy c counter.asm\ncall c\nexpect 0x02", 4, "but it answered 0x01"),
      ("deploy c counter.asm\ncall c\nexpect failure", 4, "expected a failure"),
      ("deploy c counter.asm\ncall c\nexpect event 5", 4, "there were: none"),
      ("deploy p purse.lisp @bob\ncall p (pay-out @alice 1)", 3, "reverted"),
      ("deploy p purse.lisp @bob\ncall p (pay-out @alice 1)\nexpect failure too-late", 4, "says"),
      (
        "deploy p purse.lisp @bob\ncall p (pay-out @alice 1)\nexpect balance alice 9", 3, "reverted"
      ),
      ("expect balance alice 9", 2, "but it has 10"),
      ("send 11 alice", 2, "the balance does not cover"),
      ("deploy c nothing.asm", 2, "nothing.asm"),
      ("deploy c counter.asm\ndeploy c counter.asm", 3, "c is there already"),
      ("call nobody", 2, "nobody is called nobody"),
      ("as nobody", 2, "there is no account nobody"),
      ("expect nothing", 2, "nothing was called"),
    ]
  )
  func fails(script: String, line: Int, words: String) throws {
    let failure = try #require(try run("account alice 10\naccount bob 0\n" + script).failure)
    #expect(failure.line == line + 1, "\(failure)")
    #expect(failure.problem.contains(words), "\(failure)")
  }

  @Test(
    "What is no statement is told with its line",
    arguments: [
      ("jump", "there is no statement jump"), ("account a", "expected units"),
      ("account a much", "a whole number, not much"), ("warp 5 years", "expected `warp N blocks`"),
      ("deploy a", "expected a file"), ("expect", "expected what is expected"),
      ("account a 5 6", "something stands behind"),
    ]
  )
  func wrongStatements(line: String, words: String) {
    do {
      _ = try ContractScript("\n# comment\n\(line)\n")
      Issue.record("\(line) was taken")
    } catch {
      #expect(error.line == 3)
      #expect(error.problem.contains(words), "\(error)")
    }
  }
}
