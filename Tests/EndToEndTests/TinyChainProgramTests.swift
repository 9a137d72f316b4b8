import Foundation
import Testing

/// Files of one test, and the program that is given them.
private struct Workshop {
  let place: TemporaryPlace

  init() throws { place = try TemporaryPlace() }

  func file(_ name: String, _ text: String) throws -> String {
    let path = "\(place.path)/\(name)"
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    return path
  }

  func remove() { place.remove() }
}

private func tinychain(_ arguments: String..., input: String = "") throws -> Programs.Outcome {
  try Programs.run("tinychain", arguments, input: input)
}

@Suite("tinychain run, repl and asm")
struct TinyChainProgramTests {
  private static let hello =
    "++++++++[>++++[>++>+++>+++>+<<<<-]>+>+>->>+[<]<-]>>.>---.+++++++..+++.>>.<-.<.+++.------."
    + "--------.>>+.>++."

  @Test("Hello World costs 2,208 gas in 906 steps, whatever is written around it")
  func hello() throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let path = try shop.file("hello.bf", "Says hello\n\(Self.hello)\n(c) nobody\n")
    let plain = try tinychain("run", path)
    #expect(plain.output == "Hello World!\n")
    #expect(plain.errors == "finished: 906 steps, 2208 gas\n")
    #expect(plain.status == 0)
    let original = try tinychain("run", path, "--original-rule")
    #expect(original.output == plain.output)
    #expect(original.errors == "finished: 969 steps, 2271 gas\n")
    let json = try tinychain("run", path, "--json")
    #expect(
      json.output
        == #"{"status":"finished","output_hex":"48656c6c6f20576f726c64210a","gas_used":2208,"steps":906}"#
        + "\n"
    )
  }

  @Test("The last byte of the input is delivered, and zeros after it")
  func input() throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let path = try shop.file("echo.bf", ",[.,]")
    #expect(try tinychain("run", path, "--input", "naïve").output == "naïve")
    let text = try shop.file("text", "from a file")
    #expect(try tinychain("run", path, "--input-file", text).output == "from a file")
    #expect(try tinychain("run", path, "--input-file", "-", input: "piped").output == "piped")
    #expect(try tinychain("run", path).output == "")
  }

  @Test(
    "Programs that do not finish say why, with status 1",
    arguments: [
      ("+[]", "out_of_gas", "give it more with --gas"),
      ("<", "left_tape", "left of its first cell"),
      ("+[>+]", "left_tape", "65,536th"),
    ]
  )
  func unfinished(program: String, status: String, words: String) throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let path = try shop.file("a.bf", program)
    let outcome = try tinychain("run", path, "--json", "--gas", "1000000")
    #expect(outcome.status == 1)
    #expect(outcome.output.contains(#""status":"\#(status)""#), "\(outcome.output)")
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
  }

  @Test(
    "Files that are no programs are refused with status 2",
    arguments: [
      ("a.bf", "+[", "instruction 2 is a bracket without its partner"),
      ("a.bf", "+]", "instruction 2 is a bracket without its partner"),
      ("a.bf", String(repeating: "+", count: 200_000), "more than 174746 instructions"),
      ("a.bf", String(repeating: " ", count: 5_000_000), "more than 4194304 bytes"),
      ("a.asm", "set nowhere 1", "line 1: no cell is named 'nowhere'"),
      ("a.lisp", "(car", "line 1, column 1: expected a ) for this ("),
      ("a.lisp", "(undefined-thing)", "undefined-thing is not defined"),
      ("a.txt", "+", "its language is not known"),
    ]
  )
  func noPrograms(name: String, text: String, words: String) throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let outcome = try tinychain("run", try shop.file(name, text))
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  @Test("The empty program finishes at once, for nothing")
  func empty() throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let outcome = try tinychain("run", try shop.file("a.bf", "no instruction"), "--json")
    #expect(
      outcome.output == #"{"status":"finished","output_hex":"","gas_used":0,"steps":0}"# + "\n"
    )
  }

  @Test(
    "Wrong calls are told in one line, with status 2",
    arguments: [
      (["run"], "<file> is missing"),
      (["run", "/nowhere.bf"], "cannot open /nowhere.bf"),
      (["run", "a.bf", "--gas", "much"], "gas should be a whole number"),
      (["run", "a.bf", "--trace", "--profile"], "not both"),
      (["run", "a.lisp", "--original-rule"], "--original-rule is for Brainfuck"),
      (["run", "a.bf", "--trace", "--original-rule"], "not --original-rule"),
      (["runn"], "did you mean run?"),
      (["asm", "a.lisp"], "ends in neither .asm nor .bf"),
      (["dev", "--port", "70000"], "port should be"),
      (["dev", "--address", "here"], "address should be an IP address"),
    ] as [([String], String)]
  )
  func wrongCalls(arguments: [String], words: String) throws {
    let outcome = try Programs.run("tinychain", arguments)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  @Test("Every command explains itself, with an example")
  func help() throws {
    var seen = 0
    func look(at command: [String]) throws {
      let outcome = try Programs.run("tinychain", command + ["--help"])
      let name = command.joined(separator: " ")
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(name)")
      let lines = outcome.output.components(separatedBy: "\n")
      guard let start = lines.firstIndex(of: "Commands:") else {
        #expect(lines.contains("Examples:"), "\(name) --help")
        seen += 1
        return
      }
      for line in lines[(start + 1)...].prefix(while: { $0.hasPrefix("  ") }) {
        let word = try #require(line.split(separator: " ").first)
        // Continued lines stand further in.
        if !line.hasPrefix("    ") { try look(at: command + [String(word)]) }
      }
    }
    try look(at: [])
    #expect(seen >= 22)
  }

  @Test("A trace shows each instruction before it is executed, a profile the dearest loop first")
  func traceAndProfile() throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let path = try shop.file("a.bf", "++\n[-]")
    let trace = try tinychain("run", path, "--trace")
    #expect(trace.errors.hasPrefix("line 1, column 1  +  pointer 0  cell 0  gas 1000000000\n"))
    #expect(trace.errors.contains("line 2, column 2  -  pointer 0  cell 2"))
    #expect(trace.errors.hasSuffix("finished: 7 steps, 19 gas\n"))
    let profile = try tinychain("run", path, "--profile", "--json")
    #expect(
      profile.output.contains(
        #""profile":[{"position":"line 2, column 1","instructions":3,"steps":5,"gas":11},"#
      ),
      "\(profile.output)"
    )
  }

  @Test("Lisp: the value, what it cost, and where it failed")
  func lisp() throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let path = try shop.file(
      "a.lisp",
      "(define (f n)\n  (if (= n 0) 1 (* n (f (- n 1)))))\n(f 5)\n"
    )
    let outcome = try tinychain("run", path, "--json")
    #expect(outcome.output.contains(#""status":"finished","output_hex":"313230""#))
    #expect(outcome.output.contains(#""result":"120""#))
    #expect(try tinychain("run", path, "--trace").errors.contains("at line 2, column"))
    let failing = try tinychain("run", try shop.file("b.lisp", "(define x 1)\n(car x)"), "--json")
    #expect(failing.status == 1)
    #expect(failing.output.contains(#""reason":"line 2, column 1: expected"#), "\(failing.output)")
  }

  @Test("A session in Lisp: definitions stay, may be replaced, and each line's gas is shown")
  func session() throws {
    let lines = "(define x 1)\n(+ x\n  2)\n(define x 5)\n x\n(set! x 9)\n(+ x 1)\n(car x)\n"
    let outcome = try tinychain("repl", input: lines)
    #expect(outcome.status == 0)
    let values = outcome.output.split(separator: "\n").filter { !$0.hasPrefix(";") }
    #expect(values == ["x", "3", "x", "5", "9", "10"])
    #expect(outcome.output.contains("; 2 gas\n"))
    #expect(
      outcome.output.hasSuffix("; error: line 1, column 1: expected a list that is not empty\n")
    )
    #expect(try tinychain("repl", input: "(").status == 1)
  }

  @Test("Assembly becomes a program that runs the same")
  func assembly() throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let path = try shop.file("a.asm", "cell a\nset a 'x'\nwrite a \"yz\"\n")
    let text = try tinychain("asm", path)
    #expect(text.status == 0)
    let program = try shop.file("b.bf", text.output)
    #expect(try tinychain("run", program).output == "xyz")
    #expect(try tinychain("run", path).output == "xyz")
    let code = try tinychain("asm", path, "--as", "code", "--raw")
    #expect(code.output.hasPrefix("01"))
  }

  @Test("The examples do what their scripts say, for the gas that is written down")
  func examples() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let directories = ["brainfuck", "lisp"].map { root.appending(path: "examples/\($0)").path }
    let outcome = try Programs.run("tinychain", ["test"] + directories)
    #expect(outcome.status == 0, "\(outcome.output)")
    #expect(outcome.output.split(separator: "\n").count >= 10)
  }

  @Test("A script that fails, and costs that changed, are told with the line, and status 1")
  func failingScripts() throws {
    let shop = try Workshop()
    defer { shop.remove() }
    _ = try shop.file("a.asm", "cell a\nset a 5\nanswer a\n")
    let script = try shop.file("a.test", "account me 0\ndeploy a a.asm\ncall a\nexpect 0x05\n")
    #expect(try tinychain("test", script, "--update").status == 0)
    #expect(try tinychain("test", shop.place.path).status == 0)
    _ = try shop.file("a.asm", "cell a\nset a 6\nsubtract a 1\nanswer a\n")
    let dearer = try tinychain("test", script)
    #expect(dearer.status == 1)
    #expect(dearer.output.contains("line 2: it costs"), "\(dearer.output)")
    _ = try shop.file("a.asm", "cell a\nset a 6\nanswer a\n")
    let failing = try tinychain("test", script, "--json")
    #expect(failing.status == 1)
    #expect(
      failing.output.contains(#""failure":"line 4: expected 0x05, but it answered 0x06""#),
      "\(failing.output)"
    )
    #expect(try tinychain("test", "/nowhere").status == 2)
  }
}
