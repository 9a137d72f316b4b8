import Kernel
import Testing

@testable import TinyChain

private let alice = Address(1)
private let contract = Address(2)
private let other = Address(3)
private let child = Address(contractBy: contract, nonce: 0)

/// A program that writes these bytes, leaving the cell at 0.
private func writing(_ bytes: [UInt8]) -> String {
  bytes.map { byte in
    let isSmall = byte < 128
    let count = isSmall ? Int(byte) : 256 - Int(byte)
    return String(repeating: isSmall ? "+" : "-", count: count) + ".[-]"
  }.joined()
}

private func bytes(_ write: (inout ByteWriter) -> Void) -> [UInt8] {
  var writer = ByteWriter()
  write(&writer)
  return writer.bytes
}

private func callFrame(_ to: Address, value: UInt64 = 0, gas: UInt64, _ data: [UInt8]) -> [UInt8] {
  bytes {
    $0.integer(UInt8(1))
    to.encode(into: &$0)
    $0.integer(value)
    $0.integer(gas)
    $0.integer(UInt16(data.count))
    $0.array(data)
  }
}

/// Skips the header and `data` bytes of the input.
private func skipping(data: Int = 0) -> String { String(repeating: ",", count: 34 + data) + "[-]" }

/// Writes the next bytes of the input.
private func echoing(_ count: Int) -> String { String(repeating: ",.", count: count) + "[-]" }

/// Answers with the next bytes of the input.
private func answering(_ count: UInt8) -> String { writing([0, count, 0]) + echoing(Int(count)) }

private func code(_ source: String, mode: BrainfuckMode = .framed) throws -> BrainfuckCode {
  BrainfuckCode(mode: mode, program: try BrainfuckProgram(source: source.utf8))
}

private func chain(_ sources: [Address: String], mode: BrainfuckMode = .framed) throws -> TestHost {
  var host = TestHost()
  host.accounts[alice] = .init(balance: 1_000)
  for (address, source) in sources {
    host.accounts[address] = .init(balance: 50, code: try code(source, mode: mode))
  }
  return host
}

extension TestHost {
  fileprivate mutating func send(
    _ data: [UInt8] = [],
    value: UInt64 = 0,
    gas: UInt64 = 1_000_000
  ) -> Outcome {
    call(Call(caller: alice, contract: contract, value: value, gas: gas, data: data))
  }
}

@Suite("Contracts in Brainfuck")
struct ContractTests {
  @Test("A raw contract gets the data and answers with its whole output")
  func raw() throws {
    var host = try chain([contract: ",[+.,]"], mode: .raw)
    let outcome = host.send([1, 2, 3])
    #expect(outcome.data == [2, 3, 4])
    // Code of 5 + 3 bytes; `,`, three turns of 1 + 1 + 4 + 1 + 1 less the first `[`'s, ...
    #expect(1_000_000 - outcome.gasLeft == 8 + 2 + 3 * 7)
  }

  @Test("A framed contract's input is caller, value, height, length and data")
  func header() throws {
    var host = try chain([contract: answering(36)])
    let outcome = host.send([0xaa, 0xbb], value: 9)
    let expected = bytes {
      alice.encode(into: &$0)
      $0.integer(UInt64(9))
      $0.integer(UInt32(7))
      $0.integer(UInt16(2))
      $0.array([0xaa, 0xbb])
    }
    #expect(outcome.data == expected)
    #expect(host.balance(of: contract) == 59)
  }

  @Test("Pages from 1 on stay, page 0 is zero at each call")
  func pages() throws {
    let toPage1 = String(repeating: ">", count: 256)
    let back = String(repeating: "<", count: 256)
    // Counts in cell 256 and, in vain, in cell 1; answers with both.
    let source = ">+<" + writing([0, 2, 0]) + toPage1 + "+." + back + ">."
    var host = try chain([contract: source])
    #expect(host.send().data == [1, 1])
    #expect(host.send().data == [2, 1])
    #expect(host.accounts[contract]?.pages.count == 1)

    let first = host.send(gas: 100_000)
    host.accounts[contract]?.pages = [:]
    let again = host.send(gas: 100_000)
    #expect(first.data == [3, 1])
    #expect(again.data == [1, 1])
    #expect(first.gasLeft - again.gasLeft == 1_800)  // a first page rather than one more write
  }

  @Test("A page that is only looked at costs 20; one that does not change is not written")
  func pageGas() throws {
    let toEnd = String(repeating: ">", count: 255)
    var near = try chain([contract: toEnd], mode: .raw)
    var far = try chain([contract: toEnd + ">+-"], mode: .raw)
    let used = 1_000_000 - near.send().gasLeft
    let usedFar = 1_000_000 - far.send().gasLeft
    #expect(usedFar - used == 20 + 1 + 4 + 4 + 1)  // page, `>`, `+`, `-`, a byte of code
    #expect(far.accounts[contract]?.pages == [:])
  }

  @Test("Events are kept if the call succeeds")
  func event() throws {
    var host = try chain([contract: writing([2, 2, 0, 5, 6])])
    #expect(host.send().isSuccess)
    #expect(host.events == [.init(contract: contract, data: [5, 6])])
    host = try chain([contract: writing([2, 0, 0]) + "<"])
    #expect(host.send().failure == .leftTape)
    #expect(host.events.isEmpty)
  }

  @Test("Reverting undoes everything, tells why, and uses up the gas")
  func revert() throws {
    let source =
      writing([2, 0, 0]) + writing([4, 2, 0, 8, 9])
    var host = try chain([contract: source])
    let before = host.accounts
    #expect(host.send(value: 5) == .failed(.reverted, data: [8, 9]))
    #expect(host.accounts == before)
    #expect(host.events.isEmpty)
  }

  @Test("Sending moves value, and tells whether it did")
  func send() throws {
    func frame(_ value: UInt64) -> [UInt8] {
      bytes {
        $0.integer(UInt8(3))
        other.encode(into: &$0)
        $0.integer(value)
      }
    }
    let source = writing(frame(20)) + writing(frame(31)) + skipping() + answering(2)
    var host = try chain([contract: source])
    let first = host.send()
    #expect(first.data == [1, 0])
    #expect(host.balance(of: other) == 20)
    #expect(host.balance(of: contract) == 30)
    host.accounts[contract]?.balance = 50
    #expect(host.send().gasLeft - first.gasLeft == 2_000)  // the account is there now
  }

  @Test("INFO tells height, time, balance, gas left and its own address")
  func info() throws {
    let items: [(UInt8, [UInt8])] = [
      (0, bytes { $0.integer(UInt64(7)) }),
      (1, bytes { $0.integer(UInt64(1_000)) }),
      (2, bytes { $0.integer(UInt64(50)) }),
      (4, contract.bytes),
    ]
    for (item, expected) in items {
      var host = try chain([
        contract: writing([5, item]) + skipping() + answering(UInt8(expected.count))
      ])
      #expect(host.send().data == expected)
    }
    var host = try chain([contract: writing([5, 5])])
    #expect(host.send().failure == .unknownItem(5))
  }

  @Test("INFO gives the gas that is left, to the unit")
  func gasLeft() throws {
    let before = writing([5]) + "+++."
    let source = before + "[-]" + skipping() + answering(8)
    var host = try chain([contract: source])
    let outcome = host.send(gas: 10_000)
    let size = try UInt64(code(source).bytes.count)
    let spent = size + 5 * 4 + 1 + 1 + 5 * 5 + 3 * 4 + 1 + 51  // code, 5, `.`, `[-]`, 3, `.`, frame
    #expect(outcome.data == bytes { $0.integer(10_000 - spent) })
  }

  @Test("SHA256 gives the hash")
  func sha256() throws {
    var host = try chain([contract: writing([7, 3, 0, 97, 98, 99]) + skipping() + answering(32)])
    let expected = Bytes32(hex: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(Bytes32(host.send().data) == expected)
  }

  @Test("A call gives its answer, and takes no more than it was given")
  func call() throws {
    let caller =
      writing(callFrame(other, value: 4, gas: 5_000, [1, 2])) + skipping() + answering(5)
    var host = try chain([contract: caller, other: skipping() + answering(2)])
    let outcome = host.send()
    #expect(outcome.data == [1, 2, 0, 1, 2])
    #expect(host.balance(of: other) == 54)

    // Endless, so that all it was given is gone, and no more.
    host = try chain([contract: caller, other: "+[]"])
    let endless = host.send()
    #expect(endless.data == [0, 0, 0, 0, 0])
    #expect(host.balance(of: other) == 50)
    host = try chain([contract: caller, other: ""])
    let idle = host.send()
    let size = UInt64(try code("").bytes.count)
    #expect(idle.data == [1, 0, 0, 0, 0])
    #expect(idle.gasLeft - endless.gasLeft == 5_000 - size)
  }

  @Test("63/64 of the gas go down at most")
  func forwarding() throws {
    #expect(GasPrice.forwarded(.max, of: 6_400) == 6_300)
    #expect(GasPrice.forwarded(6_299, of: 6_400) == 6_299)
    #expect(GasPrice.forwarded(.max, of: 63) == 63)
    let caller = writing(callFrame(other, gas: .max, [])) + skipping() + answering(3)
    var host = try chain([contract: caller, other: "+[]"])
    #expect(host.send(gas: 1_000_000).data == [0, 0, 0])
  }

  @Test("Who is running cannot be called")
  func reentrancy() throws {
    let caller = writing(callFrame(other, gas: 500_000, [])) + skipping() + answering(6)
    let callee = writing(callFrame(contract, gas: 100_000, [])) + skipping() + answering(3)
    var host = try chain([contract: caller, other: callee])
    // The call succeeds, and answers that the call back did not.
    #expect(host.send().data == [1, 3, 0, 0, 0, 0])
    #expect(host.world.running.isEmpty)
  }

  @Test("Calls are 64 deep at most")
  func depth() throws {
    // Each calls the next, and the last tells that it ran.
    var sources = [Address(164): writing([2, 1, 0, 9])]
    for index: UInt8 in 100..<164 {
      sources[Address(index)] = writing(callFrame(Address(index + 1), gas: .max, []))
    }
    for (first, events): (UInt8, Int) in [(100, 0), (101, 1)] {
      var host = try chain(sources)
      let call = Call(
        caller: alice,
        contract: Address(first),
        value: 0,
        gas: 90_000_000,
        data: []
      )
      #expect(host.call(call).isSuccess)
      #expect(host.events.count == events)
      #expect(host.world.running.isEmpty)
    }
  }

  @Test("Creation gives an address whose code can be called")
  func creation() throws {
    let childCode = try code("+++.", mode: .raw).bytes
    func frame(value: UInt64, gas: UInt64, _ code: [UInt8]) -> [UInt8] {
      bytes {
        $0.integer(UInt8(6))
        $0.integer(value)
        $0.integer(gas)
        $0.integer(UInt16(code.count))
        $0.array(code)
      }
    }
    let callChild = writing(callFrame(child, gas: 1_000, []))
    let source =
      writing(frame(value: 6, gas: 3_000, childCode)) + callChild + skipping() + answering(25)
    var host = try chain([contract: source])
    #expect(host.send().data == [1] + child.bytes + [1, 1, 0, 3])
    #expect(host.balance(of: child) == 6)

    for bad in [
      frame(value: 51, gas: 3_000, childCode),  // more than it has
      frame(value: 0, gas: 2_199, childCode),  // 2,000 and 200 for 32 bytes
      frame(value: 0, gas: 3_000, [9]),  // no code
    ] {
      host = try chain([contract: writing(bad) + skipping() + answering(21)])
      #expect(host.send().data == [0] + Address.zero.bytes)
      #expect(host.accounts[child] == nil)
    }
  }

  @Test("An unknown or unfinished frame is a trap; to end between frames is to answer nothing")
  func hostileFrames() throws {
    let expectations: [(String, CallFailure?)] = [
      (writing([8]), .unknownFrame(8)),
      (writing([255]), .unknownFrame(255)),
      (writing([0]), .unfinishedFrame),
      (writing([0, 255, 255]), .unfinishedFrame),
      (writing([1] + [UInt8](repeating: 0, count: 37)), .unfinishedFrame),
      (writing([2, 0, 0]), nil),
      ("", nil),
      ("+[.]", .outOfGas),
    ]
    for (source, failure) in expectations {
      var host = try chain([contract: source])
      let outcome = host.send(gas: 20_000)
      if source == "+[.]" {
        #expect(!outcome.isSuccess)
      } else {
        #expect(outcome.failure == failure)
        #expect(outcome.data == [])
      }
    }
  }

  @Test("A raw answer of more than 65,535 bytes is a trap")
  func longAnswer() throws {
    var host = try chain([contract: "+[.]"], mode: .raw)
    #expect(host.send(gas: 10_000_000).failure == .answerTooLong)
    #expect(host.send(gas: 100_000).failure == .outOfGas)
  }

  @Test("At every gas limit a contract spends as much as its program does by the naive engine")
  func gasLimits() throws {
    // Long enough that it is folded on the way, with an answer before and after.
    let source = "+++.[->++++[->+++++[->+++<]<]<]>>>.-[->+<]>."
    let program = try BrainfuckProgram(source: source.utf8)
    let size = UInt64(try code(source, mode: .raw).bytes.count)
    var successes = 0
    for gas: UInt64 in stride(from: 0, to: 4_000, by: 1) {
      var machine = BrainfuckMachine(gas: gas)
      let stop = machine.runNaively(program)
      var chain = try chain([contract: source], mode: .raw)
      let outcome = chain.send(gas: gas + size)
      #expect(outcome.isSuccess == (stop == .finished))
      if stop == .finished {
        #expect(outcome == .returned(machine.output, gasLeft: UInt64(machine.gas)))
        successes += 1
      }
    }
    #expect(successes > 100)
  }

  @Test("Gas that is one short of the last write is too little")
  func exactGas() throws {
    let source = String(repeating: ">", count: 256) + "+"
    var host = try chain([contract: source], mode: .raw)
    let gas = UInt64(try code(source).bytes.count) + 256 + 4 + 20 + 2_000
    #expect(host.send(gas: gas - 1).failure == .outOfGas)
    #expect(host.accounts[contract]?.pages == [:])
    #expect(host.send(gas: gas) == .returned([], gasLeft: 0))
    #expect(host.accounts[contract]?.pages[1]?.first == 1)
  }
}
