import Testing
import TinyChainNode

@Suite("A session in Lisp")
struct LispSessionTests {
  @Test("A line costs the same, wherever in the session it stands")
  func gas() {
    var session = LispSession(gas: 1_000_000)
    guard case .value("3", let first) = session.take("(+ 1 2)") else {
      Issue.record()
      return
    }
    _ = session.take("(define (double n) (* 2 n))")
    guard case .value("3", let second) = session.take("(+ 1 2)") else {
      Issue.record()
      return
    }
    #expect(first == second)
  }

  @Test("What assigns is kept, so that it has happened to later lines")
  func assignments() {
    var session = LispSession(gas: 1_000_000)
    _ = session.take("(define n 0)")
    _ = session.take("(define (next) (set! n (+ n 1)))")
    _ = session.take("(next)")
    _ = session.take("(next)")
    guard case .value("2", _) = session.take("n") else {
      Issue.record()
      return
    }
  }

  @Test("A fault is placed in the line that has it, and leaves the session as it was")
  func faults() {
    var session = LispSession(gas: 1_000_000)
    _ = session.take("(define (f x)")
    #expect(session.isWaiting)
    _ = session.take("  (car x))")
    #expect(session.take("(+ 1 nothing)") == .failure("line 1, column 6: nothing is not defined"))
    #expect(
      session.take("(f 1)")
        == .failure("expected a list that is not empty, in what was defined before")
    )
    #expect(session.take("; nothing") == .nothing)
    #expect(session.take(")") == .failure("line 1, column 1: expected a form"))
  }
}
