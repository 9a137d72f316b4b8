import BrainfuckAssembler
import Foundation
import Kernel
import Testing
import TinyChain

/// An example of examples/brainfuck, and the pages it keeps.
private struct Example: ContractHost {
  let height: UInt64 = 1
  let time: UInt64 = 1
  private let contract: BrainfuckContract
  private var pages: [UInt8: [UInt8]] = [:]
  private(set) var events: [[UInt8]] = []

  init(_ name: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let file = root.appendingPathComponent("examples/brainfuck/\(name).asm")
    let program = try Assembler.assemble(try String(contentsOf: file, encoding: .utf8))
    contract = BrainfuckContract(BrainfuckCode(mode: .framed, program: program))
  }

  mutating func answer(_ data: [UInt8] = []) -> [UInt8] {
    let call = Call(caller: .zero, contract: .zero, value: 0, gas: 1_000_000, data: data)
    let outcome = contract.answer(call, on: &self)
    #expect(outcome.failure == nil)
    return outcome.data
  }

  mutating func answer(_ data: String) -> String {
    String(decoding: answer(Array(data.utf8)), as: UTF8.self)
  }

  func balance(of account: Address) -> UInt64 { 0 }
  func exists(_ account: Address) -> Bool { true }
  func page(_ index: UInt8, of contract: Address) -> [UInt8]? { pages[index] }
  mutating func setPage(_ index: UInt8, of contract: Address, to bytes: [UInt8]) {
    pages[index] = bytes
  }
  mutating func emit(_ event: [UInt8], from contract: Address) { events.append(event) }
  mutating func transfer(_ value: UInt64, from: Address, to: Address) -> Bool { false }
  mutating func call(_ call: Call) -> Outcome { .failed(.balanceTooLow) }
  mutating func create(_ code: BrainfuckCode, value: UInt64, by creator: Address) -> Address? {
    nil
  }
}

@Suite("The examples in assembly")
struct ExampleTests {
  @Test("The counter counts over 255")
  func counter() throws {
    var counter = try Example("counter")
    for count in 1...600 { #expect(counter.answer() == [UInt8(count & 255), UInt8(count >> 8)]) }
  }

  @Test("The greeter greets")
  func greeter() throws {
    var greeter = try Example("greeter")
    #expect(greeter.answer("Ada") == "Hello, Ada!")
    #expect(greeter.answer("") == "Hello, !")
    #expect(greeter.events == [[3], [0]])
  }

  @Test("The guessing game tells high, low and found, and begins again")
  func guess() throws {
    var game = try Example("guess")
    for secret: UInt8 in [7, 255, 0] {
      #expect(game.answer([secret]) == Array("set".utf8))
      if secret > 0 { #expect(game.answer([secret - 1]) == Array("low".utf8)) }
      if secret < 255 { #expect(game.answer([secret + 1]) == Array("high".utf8)) }
      #expect(game.answer([secret]) == Array("found".utf8))
    }
  }
}
