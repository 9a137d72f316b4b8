import Testing
import TinyChain
import TinyChainNode

@Suite("What people write to contracts")
struct MessageTextTests {
  private static let bob = Address([UInt8](repeating: 7, count: 20))

  private func bytes(_ text: String) throws -> [UInt8] {
    try MessageText.bytes(of: text) { $0 == "bob" ? Self.bob : nil }
  }

  @Test(
    "Each kind of item, and several in a row",
    arguments: [
      ("", []), ("0x0aFF", [10, 255]), ("\"a b\"", [97, 32, 98]), ("5u8", [5]),
      ("258u16", [2, 1]), ("1u32", [1, 0, 0, 0]), ("1u64 0x02", [1, 0, 0, 0, 0, 0, 0, 0, 2]),
      ("hello you", Array("hello you".utf8)), ("5", [53]),
    ] as [(String, [UInt8])]
  )
  func items(text: String, expected: [UInt8]) throws {
    #expect(try bytes(text) == expected)
  }

  @Test("Names stand for addresses, in Lisp too, but not within its quotes")
  func names() throws {
    let bob = [UInt8](repeating: 7, count: 20)
    #expect(try bytes("@bob") == bob)
    #expect(try bytes("\"t\" @bob 1u8") == [116] + bob + [1])
    let value = Datum.list([.symbol("to"), .address(try #require(Self.bob)), .string("@bob \"")])
    #expect(try bytes(#"(to @bob "@bob \"")"#) == value.bytes)
  }

  @Test(
    "What is no message says why",
    arguments: [
      ("0x0", "is no hexadecimal"), ("@nobody", "nobody is called @nobody"),
      ("256u8", "does not fit"), ("\"a", "no closing quote"), ("5u8 five", "no item"),
      ("(car", "is no Lisp"), ("99999999999999999999u64", "does not fit"),
    ]
  )
  func failures(text: String, words: String) {
    do {
      _ = try bytes(text)
      Issue.record("\(text) was taken")
    } catch {
      #expect("\(error)".contains(words), "\(error)")
    }
  }
}
