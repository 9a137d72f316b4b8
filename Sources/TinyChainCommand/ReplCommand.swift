import Glibc
import Kernel
import Service
import TinyChain
import TinyChainNode

/// `tinychain repl`.
let replCommand = Command(
  "repl",
  summary: "Read Lisp, show each value and what it cost",
  discussion: """
    A form may take several lines. What a session is worth is a program that grows: each new form is \
    run at the end of those before it, and its gas is what the whole costs more. End with Ctrl-D.
    """,
  examples: [
    .init("tinychain repl", "Try it"),
    .init("echo '(+ 1 2)' | tinychain repl", "Answer one line"),
  ],
  options: [gasOption]
) { call in
  let isTerminal = isatty(STDIN_FILENO) == 1
  func prompt(_ text: String) {
    if isTerminal { Terminal.standard.print(text) }
  }
  var session = LispSession(gas: call[gasOption])
  prompt("> ")
  while let line = readLine() {
    switch session.take(line) {
    case .nothing: break
    case .incomplete:
      prompt("… ")
      continue
    case .value(let value, let gas): Terminal.standard.print("\(value)\n; \(gas) gas\n")
    case .failure(let text): Terminal.standard.print("; error: \(text)\n")
    }
    prompt("> ")
  }
  prompt("\n")
  if session.isWaiting {
    throw CommandFailure("the input ends within a form")
  }
}
