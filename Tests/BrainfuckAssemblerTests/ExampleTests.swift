import BrainfuckAssembler
import Foundation
import Kernel
import Testing

@testable import TinyChain

/// An example of examples/brainfuck, and the pages it keeps.
private struct Example {
  private let code: BrainfuckCode
  private var world = World(State(), height: 1, time: 1)

  var events: [[UInt8]] { world.events.map(\.data) }

  init(_ name: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let file = root.appendingPathComponent("examples/brainfuck/\(name).asm")
    let program = try Assembler.assemble(try String(contentsOf: file, encoding: .utf8))
    code = BrainfuckCode(mode: .framed, program: program)
  }

  mutating func answer(_ data: [UInt8] = []) -> [UInt8] {
    let call = Call(caller: .zero, contract: .zero, value: 0, gas: 1_000_000, data: data)
    let outcome = BrainfuckContract.answer(call, by: code, on: &world)
    #expect(outcome.failure == nil)
    return outcome.data
  }

  mutating func answer(_ data: String) -> String {
    String(decoding: answer(Array(data.utf8)), as: UTF8.self)
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
