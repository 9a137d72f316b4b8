import Kernel
import Service
import Testing

@Suite("TOML: what a configuration file needs, read strictly")
struct TOMLTests {
  private static let sample = """
    # A comment with "quotes" and é.
    name = "value"   # inline
    'quoted key' = 'C:\\no\\escapes'
    "esc\\u0061pe" = "tab\\t quote\\" \\\\ \\U0001F600 #no comment"
    bare-key_1 = 18_446_744_073_709_551_615
    low = -9_223_372_036_854_775_808
    plus = +7
    hex = 0xdead_BEEF
    octal = 0o755
    binary = 0b1010
    zero = 0
    yes = true
    no = false
    empty = []
    list = [ "a", 'b',  # why
      "c",

    ]
    numbers = [1,2 , 3]
    1234 = "a key of digits"

    [table]
    name = "other"
      [ table . "sub" ]
    \tindented\t=\t1\t
    [another]\r
    crlf = 1\r

    """

  @Test("Every supported form is read, with its line")
  func sample() throws {
    let toml = try TOML(parsing: Self.sample)
    func content(_ key: String) -> TOML.Content? { toml[key]?.content }
    #expect(content("name") == .string("value"))
    #expect(content("quoted key") == .string("C:\\no\\escapes"))
    #expect(content("escape") == .string("tab\t quote\" \\ 😀 #no comment"))
    #expect(content("bare-key_1") == .integer(Int128(UInt64.max)))
    #expect(content("low") == .integer(Int128(Int64.min)))
    #expect(content("plus") == .integer(7))
    #expect(content("hex") == .integer(0xdead_beef))
    #expect(content("octal") == .integer(0o755))
    #expect(content("binary") == .integer(10))
    #expect(content("zero") == .integer(0))
    #expect(content("yes") == .boolean(true))
    #expect(content("no") == .boolean(false))
    #expect(content("empty") == .array([]))
    #expect(content("1234") == .string("a key of digits"))
    #expect(toml["name"]?.line == 2)
    guard case .array(let list) = content("list") else {
      Issue.record("no array")
      return
    }
    #expect(list.map(\.content) == [.string("a"), .string("b"), .string("c")])
    #expect(list.map(\.line) == [15, 15, 16])
    #expect(toml["table", "name"]?.content == .string("other"))
    #expect(toml["table", "sub", "indented"]?.content == .integer(1))
    #expect(toml["another", "crlf"]?.line == 27)
    #expect(toml.headers.map(\.line) == [22, 24, 26])
    #expect(toml.entries.last?.path == "another.crlf")
  }

  @Test(
    "Everything else is refused at its place, with what to do",
    arguments: [
      ("a", 1, 2, "expected '=' after the key 'a'"),
      ("a =", 1, 4, "expected a value, found the end of the file"),
      ("a = \nb = 1", 1, 5, "expected a value, found the end of the line"),
      ("a = 1\na = 2", 2, 1, "'a' is set already, on line 1"),
      ("a = 1\n\"a\" = 2", 2, 1, "'a' is set already, on line 1"),
      ("[t]\n[u]\n[t]", 3, 1, "'t' is defined already, on line 1"),
      ("t = 1\n[t]", 2, 1, "'t' is defined already, on line 1"),
      ("t = 1\n[t.u]", 2, 6, "'t' is a key already, on line 1"),
      ("[a.b]\n[a]\nb = 1", 3, 1, "'b' is set already, on line 1"),
      ("a = 1 b = 2", 1, 7, "expected the end of the line, found 'b'"),
      ("a = one", 1, 5, "text needs quotes: \"one\""),
      ("a = True", 1, 5, "text needs quotes: \"True\""),
      ("a = 1.5", 1, 5, "floats and dates are not supported"),
      ("a = 1e5", 1, 5, "floats and dates are not supported"),
      ("a = 2026-01-31", 1, 5, "floats and dates are not supported"),
      ("a = 12:30:00", 1, 5, "floats and dates are not supported"),
      ("a = 01", 1, 5, "is not an integer"),
      ("a = 1__0", 1, 5, "is not an integer"),
      ("a = _1", 1, 5, "text needs quotes"),
      ("a = 1_", 1, 5, "is not an integer"),
      ("a = 0x", 1, 5, "is not an integer"),
      ("a = 0x_1", 1, 5, "is not an integer"),
      ("a = -0x1", 1, 5, "is not an integer"),
      ("a = 0X1", 1, 5, "is not an integer"),
      ("a = +-1", 1, 5, "is not an integer"),
      ("a = -", 1, 5, "is not an integer"),
      ("a = 18446744073709551616", 1, 5, "out of range"),
      ("a = 0xfffffffffffffffffffffffffffffffffffff", 1, 5, "is not an integer"),
      ("a.b = 1", 1, 2, "dotted keys are not supported"),
      ("a = {b = 1}", 1, 5, "inline tables are not supported"),
      ("[[a]]", 1, 2, "arrays of tables"),
      ("a = [[1]]", 1, 6, "arrays in arrays"),
      ("a = [1, 2", 1, 10, "expected ',' or ']' in the array, found the end of the file"),
      ("a = [1,", 1, 8, "expected ']' to end the array"),
      ("a = [,]", 1, 6, "expected a value, found ','"),
      ("a = [1,,2]", 1, 8, "expected a value, found ','"),
      ("a = [1 2]", 1, 8, "expected ',' or ']' in the array, found '2'"),
      ("a = \"b", 1, 5, "the string has no end; add a \""),
      ("a = 'b\nc = 1", 1, 5, "the string has no end on its line"),
      ("a = \"\"\"b\"\"\"", 1, 5, "multi-line strings"),
      ("a = '''b'''", 1, 5, "multi-line strings"),
      ("a = \"C:\\dir\"", 1, 8, "an unknown escape; write \\\\"),
      ("a = \"\\u12\"", 1, 6, "expected 4 hexadecimal digits"),
      ("a = \"\\uD800\"", 1, 6, "expected 4 hexadecimal digits"),
      ("a = \"\\u-000\"", 1, 6, "expected 4 hexadecimal digits"),
      ("a = \"\\U00110000\"", 1, 6, "expected 8 hexadecimal digits"),
      ("a = \"\u{1}\"", 1, 6, "a control character"),
      ("# \u{7}", 1, 3, "a control character in a comment"),
      ("a = 1\rb = 2", 1, 6, "a carriage return without a line feed"),
      ("= 1", 1, 1, "expected a key, found '='"),
      ("é = 1", 1, 1, "expected a key, found byte 0xc3"),
      ("[a", 1, 3, "expected ']'"),
      ("[]", 1, 2, "expected a key, found ']'"),
      ("[a] b = 1", 1, 5, "expected the end of the line"),
      ("[a.b.c.d.e.f.g.h.i]", 1, 19, "nested tables"),
      ("\u{feff}a = 1", 1, 1, "byte order mark"),
    ]
  )
  func refused(text: String, line: Int, column: Int, reason: String) {
    let failure = #expect(throws: TOMLFailure.self) { try TOML(parsing: text) }
    #expect(failure?.line == line, "\(failure?.description ?? "")")
    #expect(failure?.column == column, "\(failure?.description ?? "")")
    #expect(failure?.reason.contains(reason) == true, "\(failure?.description ?? "")")
  }

  @Test("Bytes that are no UTF-8 and files that are too large are refused")
  func bytes() {
    let failure = #expect(throws: TOMLFailure.self) {
      try TOML(parsing: Array("a = 1\nb = '".utf8) + [0xff])
    }
    #expect(failure?.line == 2)
    #expect(failure?.column == 6)
    let large = [UInt8](repeating: UInt8(ascii: "\n"), count: TOML.bytesMax + 1)
    #expect(throws: TOMLFailure.self) { try TOML(parsing: large) }
    #expect(throws: Never.self) { try TOML(parsing: Array(large.dropLast())) }
  }

  @Test("What is written is read back equal")
  func writing() throws {
    let text = "quote\" backslash\\ tab\t newline\n return\r bell\u{7} delete\u{7f} é 😀 #"
    let content = TOML.Content.array([TOML.Value(.string(text), line: 1)])
    #expect(try TOML(parsing: "a = \(content.text)")["a"]?.content == content)
  }

  @Test("Mutated files are read or refused, and never trap", arguments: 0..<UInt64(300))
  func mutated(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let sample = Array(Self.sample.utf8)
    let tokens = Array("[]\"'\\uU=#.,\n\r_+-0x{}\u{7f}é".utf8)
    for _ in 0..<20 {
      let start = Int.random(in: 0..<sample.count, using: &random)
      var bytes = Array(sample[start...].prefix(Int.random(in: 1...200, using: &random)))
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        bytes[index] = tokens.randomElement(using: &random) ?? 0
      }
      TOML.fuzz(bytes)
    }
  }
}
