import BrainfuckAssembler
import Kernel
import TinyChain
import TinyChainNode

/// Transactions of the dev network's faucet, one after another.
struct SomeChain {
  var chain = Chain(.dev)

  /// A block of one transaction, which is not part of the chain yet.
  func block(
    _ kind: Transaction.Kind,
    to: Address = .zero,
    value: UInt64 = 0,
    data: [UInt8] = []
  ) -> ExecutedBlock {
    let request = Request(kind, to: to, value: value, data: data, gasLimit: 1_000_000)
    let nonce = chain.state.account(NetworkParameters.faucet).nonce
    let transaction = request.transaction(on: chain.id, nonce: nonce, maxPrice: 10)
    let signed = SignedTransaction(transaction, by: NetworkParameters.faucetKey)
    let header = InstantSequencer().draft(
      after: chain.tip.header,
      at: 2_000_000_000,
      for: chain.parameters.treasury
    )
    return chain.executed([signed], under: header)
  }

  /// A contract that counts its calls.
  static let counter: [UInt8] = {
    let source =
      "stored low high\nadd low 1\nifnot low\nadd high 1\nend\nanswer low high\nevent low\n"
    guard let program = try? Assembler.assemble(source) else { return [] }
    return BrainfuckCode(mode: .framed, program: program).bytes
  }()
}
