import BrainfuckAssembler
import Kernel
import Testing

@testable import TinyChain

private let alice = Person.alice
private let bob = Person.bob
private let start: UInt64 = 1_000_000_000_000

private func at(_ address: Address) -> String { Datum.address(address).description }

private func raw(_ source: String) throws -> BrainfuckCode {
  BrainfuckCode(mode: .raw, program: try BrainfuckProgram(source: source.utf8))
}

/// A framed contract that writes these bytes, then `rest`.
private func framed(_ bytes: [UInt8], _ rest: String = "") throws -> BrainfuckCode {
  let source = bytes.map { String(repeating: "+", count: Int($0)) + ".[-]" }.joined() + rest
  return BrainfuckCode(mode: .framed, program: try BrainfuckProgram(source: source.utf8))
}

private func callFrame(_ to: Address, value: UInt64 = 0, _ data: [UInt8]) -> [UInt8] {
  [1] + to.bytes + value.littleEndianBytes + UInt64.max.littleEndianBytes
    + UInt16(data.count).littleEndianBytes + data
}

private func counter() throws -> BrainfuckCode {
  let program = try Assembler.assemble(try exampleSource("brainfuck/counter.asm"))
  return BrainfuckCode(mode: .framed, program: program)
}

@Suite("Contracts of both machines on one chain")
struct WorldTests {
  @Test("A third contract calls a counter in Brainfuck and a token in Lisp; headers prove it")
  func story() throws {
    var test = TestChain()
    let count = try test.deploy(brainfuck: try counter())
    let token = try test.deploy(
      lisp: try exampleSource("lisp/token.lisp"),
      .address(alice.address),
      .integer(100)
    )
    let third = try test.deploy(
      lisp: """
        (contract (third counter token)
          (slot count #x)
          (on (go to)
            (set! count (send counter #x))
            (send token 'transfer-from caller to 5)
            (emit 'went count)
            count))
        """,
      .address(count),
      .address(token)
    )
    try test.send("(approve \(at(third)) 7)", to: token)
    #expect(try test.send("(go \(at(bob.address)))", to: third) == .bytes([1, 0]))
    // The second time the allowance does not suffice: what the counter counted is undone too.
    #expect(throws: Refusal.self) { try test.send("(go \(at(bob.address)))", to: third) }
    try test.send("(approve \(at(third)) 5)", to: token)
    let data = try Reader.datum("(go \(at(bob.address)))").bytes
    let block = try test.mine([test.signed(.call, to: third, data: data)])
    #expect(try test.view("(balance \(at(bob.address)))", of: token) == .amount(10))

    // What a client with nothing but this header can check.
    let header = try Header(block.header.bytes)
    let receiptProof = block.receiptTree.proof(of: MerkleTree.key(ofIndex: 0)).bytes
    let receiptBytes = try MerkleProof(receiptProof)
      .value(of: MerkleTree.key(ofIndex: 0), under: header.receiptRoot)
    let receipt = try Receipt(try #require(receiptBytes))
    #expect(receipt == block.executions[0].receipt)
    #expect(receipt.isSuccess)
    #expect(receipt.outputHash == SHA256.hash(Datum.bytes([2, 0]).bytes))
    let said = try receipt.events.map { try Datum($0.data, facets: true).description }
    #expect(receipt.events.map(\.contract) == [token, third])
    #expect(said[1] == "(went #x0200)")
    func leaf(_ key: StateKey) throws -> [UInt8]? {
      let proof = test.chain.state.tree.proof(of: key.bytes).bytes
      return try MerkleProof(proof).value(of: key.bytes, under: header.stateRoot)
    }
    #expect(try leaf(.page(1, of: count))?.prefix(2) == [2, 0])
    #expect(try leaf(.page(2, of: count)) == nil)
    let slot = try leaf(.entry(Datum.symbol("count").bytes, of: third))
    #expect(slot == Datum.bytes([2, 0]).bytes)
    let account = try Account(try #require(try leaf(.account(alice.address))))
    #expect(account.balance == test.balance(alice.address))
    #expect(try leaf(.account(Address(77))) == nil)
  }

  @Test("A contract in Brainfuck sends a Lisp contract messages, with coins")
  func brainfuckCallsLisp() throws {
    var test = TestChain()
    let purse = try test.deploy(
      lisp: """
        (contract (purse) (slot kept 0)
          (on (keep n) (set! kept (+ kept (* n value))) (list caller kept))
          (view (kept) kept))
        """
    )
    let message = try Reader.datum("(keep 3)").bytes
    let spender = try test.deploy(
      brainfuck: try framed(callFrame(purse, value: 7, message))
    )
    let sent = test.signed(.call, to: spender, value: 10)
    #expect(try test.does(sent).receipt.isSuccess)
    #expect(test.balance(purse) == 7)
    #expect(test.balance(spender) == 3)
    #expect(try test.view("(kept)", of: purse) == .integer(21))
    // The second time it has 3 left of its own and 0 with the message: the call fails, not the caller.
    #expect(try test.does(test.signed(.call, to: spender)).receipt.isSuccess)
    #expect(try test.view("(kept)", of: purse) == .integer(21))
  }

  @Test("A contract that is running is not entered again, through another machine neither")
  func reentrancy() throws {
    var test = TestChain()
    let nonce = test.chain.state.account(alice.address).nonce
    let lisp = Address(contractBy: alice.address, nonce: nonce + 1)
    let back = try Reader.datum("(back)").bytes
    let middle = try test.deploy(brainfuck: try framed(callFrame(lisp, back)))
    let contract = try test.deploy(
      lisp: """
        (contract (c middle) (slot n 0)
          (on (back) (set! n (+ n 1)))
          (on (go) (send middle #x) n))
        """,
      .address(middle)
    )
    #expect(contract == lisp)
    #expect(try test.send("(back)", to: contract) == .integer(1))
    #expect(try test.send("(go)", to: contract) == .integer(1))
  }

  @Test("What a view asks changes nothing, even if it is not written in Lisp")
  func views() throws {
    var test = TestChain()
    let count = try test.deploy(brainfuck: try counter())
    let speaker = try test.deploy(brainfuck: try framed([2, 1, 0, 9]))
    let still = try test.deploy(brainfuck: try framed([0, 1, 0, 9]))
    let viewer = try test.deploy(lisp: "(contract (c) (view (ask who) (send who #x)))")
    for contract in [count, speaker] {
      #expect(throws: Refusal.self) { try test.send("(ask \(at(contract)))", to: viewer) }
      #expect(test.chain.state[.page(1, of: contract)] == nil)
    }
    #expect(try test.send("(ask \(at(still)))", to: viewer) == .bytes([9]))
  }

  @Test("Calls end at 64 inside one another, on whatever stack the host has")
  func depth() throws {
    var test = TestChain()
    // Each asks the one made before it how deep it is.
    var next = try test.deploy(lisp: "(contract (c) (on (depth) 1))")
    for count in 2...66 as ClosedRange<Int64> {
      next = try test.deploy(
        lisp: "(contract (c next) (on (depth) (+ 1 (send next 'depth))))",
        .address(next)
      )
      guard count > 60 else { continue }
      let data = try Reader.datum("(depth)").bytes
      let call = Call(caller: .zero, contract: next, value: 0, gas: 1 << 40, data: data)
      let outcome = test.chain.ask(call)
      #expect(outcome.isSuccess == (count <= 64))
      if count <= 64 { #expect(outcome.data == Datum.integer(count).bytes) }
    }
  }

  @Test("The commons is one tape for all: raw code, run in nobody's name")
  func commons() throws {
    var test = TestChain()
    let toPage1 = String(repeating: ">", count: 256)
    for (index, person) in [alice, bob, alice].enumerated() {
      let data = try raw(toPage1 + "+.").bytes
      let execution = try test.does(test.signed(.call, data: data, by: person))
      #expect(execution.output == [UInt8(index + 1)])
    }
    #expect(test.chain.state[.page(1, of: .zero)]?.first == 3)
    // In nobody's name framed code could ask for coins.
    let reward = Datum.list([.symbol("reward"), .address(alice.address), .integer(1)]).bytes
    let framedCode = try framed(callFrame(SneedToken.address, reward)).bytes
    for data in [framedCode, [1, 2, 3]] {
      let execution = try test.does(test.signed(.call, data: data))
      #expect(execution.failure == .invalidCode)
    }
    // Without data it is an account that nobody has.
    #expect(try test.does(test.signed(.call, value: 5)).receipt.isSuccess)
    #expect(test.balance(.zero) == 5)
    // A contract may use it too.
    let user = try test.deploy(
      lisp: "(contract (c) (on (go code) (send @\(Address.zero) code)))"
    )
    let answer = try test.send("(go \(Datum.bytes(try raw(toPage1 + ".").bytes)))", to: user)
    #expect(answer == .bytes([3]))
  }

  @Test("Eval runs code on a fresh tape, keeps nothing, and costs what the original said")
  func eval() throws {
    var test = TestChain()
    let code = try raw(String(repeating: "+", count: 59) + ".")
    let size = UInt64(code.bytes.count)
    let execution = try test.does(test.signed(.eval, value: 5, data: code.bytes))
    #expect(execution.output == Array(";".utf8))
    #expect(execution.receipt.gasUsed == 237 + size + 2_000 + 4 * size)
    let writing = try raw(String(repeating: ">", count: 256) + "+.")
    for _ in 0..<2 {
      #expect(try test.does(test.signed(.eval, data: writing.bytes)).output == [1])
    }
    let block = try test.mine([test.signed(.eval, data: writing.bytes)])
    // Fees, the reward, the base fee: no page, no account.
    #expect(!block.changes.contains { $0.key[0] == 2 })
  }

  @Test("A call that fails costs all its gas, counts its nonce, and changes nothing else")
  func failure() throws {
    var test = TestChain()
    let contract = try test.deploy(
      lisp: "(contract (c) (slot n 0) (on (bad) (set! n 1) (emit 'a) (fail 'no)))"
    )
    let data = try Reader.datum("(bad)").bytes
    let before = test.balance(alice.address)
    let sent = test.signed(.call, to: contract, value: 9, data: data) {
      ($0.gasLimit, $0.maxPrice) = (60_000, 1)
    }
    let execution = try test.does(sent)
    #expect(execution.failure == .reverted)
    #expect(String(decoding: execution.output, as: UTF8.self).contains("failed: no"))
    #expect(execution.receipt.gasUsed == 60_000)
    #expect(!execution.receipt.isSuccess)
    #expect(execution.receipt.events.isEmpty)
    // Why is told to who asks, and stands in no receipt.
    #expect(execution.receipt.outputHash == SHA256.hash([]))
    #expect(test.balance(alice.address) == before - 60_000)
    #expect(test.balance(contract) == 0)
    #expect(test.chain.state.account(alice.address).nonce == 2)
  }

  @Test("A new account costs 2,000, by a transfer and by a call")
  func newAccount() throws {
    var test = TestChain()
    for kind in [Transaction.Kind.transfer, .call] {
      let fresh = Address(kind == .call ? 50 : 51)
      #expect(try test.does(test.signed(kind, to: fresh)).receipt.gasUsed == 2_000)
      #expect(try test.does(test.signed(kind, to: fresh, value: 1)).receipt.gasUsed == 4_000)
      #expect(try test.does(test.signed(kind, to: fresh, value: 1)).receipt.gasUsed == 2_000)
      let short = test.signed(kind, to: Address(60), value: 1) { $0.gasLimit = 3_999 }
      #expect(try test.does(short).failure == .outOfGas)
      #expect(test.balance(Address(60)) == 0)
    }
  }

  @Test("Creation gives the address that creator and nonce make, for 2,000 and 200 each 32 bytes")
  func creation() throws {
    var test = TestChain()
    let code = try counter()
    let size = UInt64(code.bytes.count)
    let address = Address(contractBy: alice.address, nonce: 0)
    let execution = try test.does(test.signed(.createBrainfuck, value: 6, data: code.bytes))
    #expect(execution.output == address.bytes)
    #expect(execution.receipt.gasUsed == 2_000 + 4 * size + 2_000 + 200 * ((size + 31) / 32))
    #expect(test.balance(address) == 6)
    #expect(test.chain.state.account(address).code == .brainfuck)
    #expect(test.chain.state[.code(address)] == code.bytes)
    for (kind, data) in [
      (Transaction.Kind.createBrainfuck, [UInt8(9)]), (.createLisp, [1]),
      (.createLisp, [1, 0] + Array("(".utf8)), (.createLisp, [1, 0] + Array("5".utf8)),
    ] {
      #expect(try test.does(test.signed(kind, data: data)).failure == .invalidCode)
    }
    // A contract whose beginning fails is none.
    let bad = LispContract.creation(
      source: Array("(contract (c) (slot n 5) (init (fail 'never)))".utf8),
      arguments: .list([])
    )
    let nonce = test.chain.state.account(alice.address).nonce
    let failed = try test.does(test.signed(.createLisp, value: 5, data: try #require(bad)))
    #expect(failed.failure == .reverted)
    let none = Address(contractBy: alice.address, nonce: nonce)
    #expect(test.chain.state[.account(none)] == nil)
    #expect(test.chain.state[.code(none)] == nil)
  }

  @Test("A contract in Brainfuck creates contracts, each at another address")
  func factory() throws {
    var test = TestChain()
    let child = try raw("+++.").bytes
    let frame: [UInt8] =
      [6] + UInt64(0).littleEndianBytes + UInt64(9_000).littleEndianBytes
      + UInt16(child.count).littleEndianBytes + child
    let factory = try test.deploy(brainfuck: try framed(frame))
    for nonce: UInt64 in 0..<3 {
      let made = Address(contractBy: factory, nonce: nonce)
      #expect(test.chain.state.account(made).code == .none)
      #expect(try test.does(test.signed(.call, to: factory)).receipt.isSuccess)
      #expect(try test.does(test.signed(.call, to: made)).output == [3])
      // With the same code somebody else's has another address.
    }
    #expect(test.chain.state.account(factory).nonce == 3)
  }

  @Test("The genesis contract mints for the minter and the protocol, and no copy of it does")
  func minting() throws {
    var test = TestChain()
    let message = "(mint \(at(bob.address)) 500)"
    #expect(throws: Refusal.self) { try test.send(message, to: SneedToken.address) }
    try test.send(message, to: SneedToken.address, by: .carol)
    #expect(test.balance(bob.address) == start + 500)
    let total = try test.view("(total)", of: SneedToken.address)
    #expect(total == .amount(3 * UInt128(start) + 500 + 2 * 5_000_000_000))
    let copy = try test.deploy(
      lisp: SneedToken.source,
      .address(alice.address),
      .integer(0)
    )
    #expect(throws: Refusal.self) { try test.send("(mint \(at(bob.address)) 5)", to: copy) }
    #expect(throws: Refusal.self) {
      try test.send("(reward \(at(bob.address)) 5)", to: SneedToken.address)
    }
    let too = "(mint \(at(bob.address)) 9223372036854775807u)"
    #expect(throws: Refusal.self) { try test.send(too, to: SneedToken.address, by: .carol) }
    #expect(test.chain.state[number: .supply] < World.supplyMax)
  }

  @Test("An estimate is what then happens")
  func estimate() throws {
    var test = TestChain()
    let contract = try test.deploy(brainfuck: try counter())
    for _ in 0..<3 {
      let sent = test.signed(.call, to: contract)
      let estimate = try test.chain.estimate(sent.transaction, from: alice.address)
      let execution = try test.does(sent)
      #expect(execution == estimate)
      let exact = test.signed(.call, to: contract) { $0.gasLimit = execution.receipt.gasUsed }
      #expect(try test.chain.estimate(exact.transaction, from: alice.address).receipt.isSuccess)
    }
  }

  @Test("What nobody could sign or send is refused in an estimate too, and does not trap")
  func unsendable() throws {
    let test = TestChain()
    var sent = test.signed(.proved).transaction
    #expect(throws: Rejection.reservedKind) {
      try test.chain.estimate(sent, from: alice.address)
    }
    sent.kind = .call
    sent.data = [UInt8](repeating: 0, count: Call.dataMax + 1)
    #expect(throws: Rejection.malformed) { try test.chain.estimate(sent, from: alice.address) }
    let call = Call(
      caller: .zero,
      contract: SneedToken.address,
      value: 0,
      gas: .max,
      data: sent.data
    )
    #expect(!test.chain.ask(call).isSuccess)
  }
}
