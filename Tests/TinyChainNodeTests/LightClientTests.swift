import Kernel
import Testing
import TinyChain
import TinyChainNode

@Suite("A client with headers alone")
struct LightClientTests {
  /// A chain with a contract that was called twice.
  private func chain() throws -> (SomeChain, blocks: [ExecutedBlock], contract: Address) {
    var some = SomeChain()
    let creation = some.block(.createBrainfuck, data: SomeChain.counter)
    let contract = try #require(Address(creation.executions[0].output))
    var blocks = [creation]
    some.chain.append(creation)
    for _ in 0..<2 {
      blocks.append(some.block(.call, to: contract))
      some.chain.append(blocks[blocks.count - 1])
    }
    return (some, blocks, contract)
  }

  @Test("Receipts and leaves are shown, and that there is no leaf")
  func proofs() throws {
    let (some, blocks, contract) = try chain()
    var light = LightClient(.dev)
    try light.take(blocks.map(\.header.bytes), now: 0)
    let receipt = try light.check(
      receipt: blocks[1].executions[0].receipt.bytes,
      index: 0,
      proof: blocks[1].receiptTree.proof(of: MerkleTree.key(ofIndex: 0)).bytes,
      header: blocks[1].header.bytes
    )
    #expect(receipt == blocks[1].executions[0].receipt)
    let tip = blocks[2].header.bytes
    for (key, isThere) in [
      (StateKey.page(1, of: contract), true), (.account(contract), true), (.supply, true),
      (.page(2, of: contract), false), (.account(.zero), false),
    ] {
      let proof = some.chain.state.tree.proof(of: key.bytes).bytes
      let value = try light.leaf(key.bytes, proof: proof, header: tip)
      #expect(value == some.chain.state.tree[key.bytes])
      #expect((value != nil) == isThere)
    }
  }

  @Test("A changed byte in header, receipt or proof shows nothing")
  func changedBytes() throws {
    let (_, blocks, _) = try chain()
    var light = LightClient(.dev)
    try light.take(blocks.map(\.header.bytes), now: 0)
    let parts = [
      blocks[1].executions[0].receipt.bytes,
      blocks[1].receiptTree.proof(of: MerkleTree.key(ofIndex: 0)).bytes,
      blocks[1].header.bytes,
    ]
    for (part, bytes) in parts.enumerated() {
      for index in bytes.indices {
        var changed = parts
        changed[part][index] ^= 1
        #expect(throws: LightClient.Failure.self, "part \(part), byte \(index)") {
          try light.check(receipt: changed[0], index: 0, proof: changed[1], header: changed[2])
        }
      }
    }
    #expect(throws: LightClient.Failure.self) {
      try light.check(receipt: parts[0], index: 1, proof: parts[1], header: parts[2])
    }
  }

  @Test("Headers that do not follow one another are refused by what is wrong")
  func brokenLines() throws {
    let (_, blocks, _) = try chain()
    let headers = blocks.map(\.header)
    var light = LightClient(.dev)
    #expect(throws: LightClient.Failure.unlinked(height: 2)) {
      try light.take([headers[1].bytes], now: 0)
    }
    #expect(throws: LightClient.Failure.notAHeader(height: 1)) { try light.take([[1, 2]], now: 0) }
    var other = NetworkParameters.dev
    other.genesisTime += 1
    #expect(throws: LightClient.Failure.otherGenesis) {
      try light.take([other.genesis.header.bytes], now: 0)
    }
    var mined = headers[0]
    mined.nonce = 1
    #expect(throws: LightClient.Failure.badHeader(height: 1, .wrongWork)) {
      try light.take([mined.bytes], now: 0)
    }
    var early = headers[0]
    early.time = 1
    #expect(throws: LightClient.Failure.badHeader(height: 1, .wrongTime)) {
      try light.take([early.bytes], now: 0)
    }
    try light.take(headers.map(\.bytes), now: 0)
    #expect(light.tip == headers[2])
  }
}
