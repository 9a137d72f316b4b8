import Kernel
import Storage
public import TinyChain

extension APIAction {
  /// Accounts and transactions, and asking contracts.
  static let user: [APIAction] = [
    APIAction("user_getBalance", "What an account has: address") { call, context in
      let address = try call.address(isMain: context.isMain)
      let account = try await context.node.snapshot.state.account(address)
      return [
        "address": JSON(address.text(isMain: context.isMain)), "balance": .decimal(account.balance),
        "nonce": JSON(account.nonce),
        "next_nonce": JSON(try await context.node.nextNonce(of: address)),
      ]
    },
    APIAction("user_sendTransaction", "Take in a signed transaction: transaction (hexadecimal)") {
      call,
      context in
      let bytes = try call.hex("transaction", max: Transaction.sizeMin + Call.dataMax)
      let signed = try SignedTransaction(bytes)
      guard case .executed(let block) = try await context.node.submit(signed) else {
        return ["id": JSON(signed.id.hex), "waiting": true]
      }
      let chain = try await context.node.snapshot
      return JSON(
        fields: [("id", JSON(signed.id.hex)), ("height", JSON(block.header.height))]
          + APIFormat.execution(block.executions[0], of: signed.transaction, on: chain)
      )
    },
    APIAction("user_getTransaction", "A transaction that was carried out: id") { call, context in
      let id = try call.id()
      let found = try await context.node.read { store, _ in try store.transaction(id) }
      guard let found, let signed = try? SignedTransaction(found.bytes) else {
        throw APIFailure.noTransaction
      }
      return JSON(
        fields: APIFormat.transaction(signed, isMain: context.isMain) + [
          ("height", JSON(found.height)), ("index", JSON(found.index)),
          ("transaction", JSON(found.bytes.hex)),
        ]
      )
    },
    APIAction(
      "machine_estimate",
      "What a transaction would do and cost: from, kind, to, value, data or text or message"
    ) { call, context in
      let chain = try await context.node.snapshot
      let (transaction, from) = try call.transaction(on: chain, isMain: context.isMain)
      let (execution, limit) = try await context.gate.run {
        try chain.cheapestLimit(transaction, from: from)
      }
      return JSON(
        fields: [("gas_limit", JSON(limit))]
          + APIFormat.execution(execution, of: transaction, on: chain)
      )
    },
    APIAction(
      "contract_ask",
      "What a contract would answer, with nothing kept: to, from, value, data or text or message"
    ) { call, context in
      let chain = try await context.node.snapshot
      let question = Call(
        caller: try call.optionalAddress("from", isMain: context.isMain) ?? .zero,
        contract: try call.address("to", isMain: context.isMain),
        value: try call.optionalInteger("value", 0...UInt64.max) ?? 0,
        gas: try call.gas(),
        data: try call.message()
      )
      let outcome = try await context.gate.run { chain.ask(question) }
      return JSON(
        fields: APIFormat.outcome(
          isSuccess: outcome.isSuccess,
          failure: outcome.failure?.name,
          gasUsed: question.gas - outcome.gasLeft,
          output: outcome.data,
          isLisp: chain.state.account(question.contract).code == .lisp
        )
      )
    },
  ]

  /// What only a chain for development can do.
  static let development: [APIAction] = [
    APIAction("dev_snapshot", "A name for the chain as it is, to come back to: no fields") {
      _,
      context in
      ["id": JSON(try await context.instant.snapshot.tip.id.hex)]
    },
    APIAction("dev_revert", "Come back to a snapshot, as if nothing had happened since: id") {
      call,
      context in
      guard let count = try await context.instant.revert(to: try call.id()) else {
        throw APIFailure(status: 404, "no_block", "the chain has no such block any more")
      }
      return ["blocks_taken_back": JSON(count)]
    },
    APIAction("dev_mine", "Let time pass: blocks (up to 1000), seconds") { call, context in
      let blocks = try call.optionalInteger("blocks", 1...1_000) ?? 1
      // A hundred years.
      let seconds = try call.optionalInteger("seconds", 0...UInt64(3_200_000_000)) ?? 0
      try await context.instant.mine(blocks: blocks, seconds: seconds)
      return ["height": JSON(try await context.node.snapshot.tip.header.height)]
    },
    APIAction("dev_cut", "Cut this node off from all others, or join it again: cut") {
      call,
      context in
      guard case .mined(let cut) = context.development else { throw APIFailure.notHere }
      guard let isCut = call.fields["cut"]?.bool else {
        throw APIFailure.field("cut", "must be true or false")
      }
      await cut(isCut)
      return ["cut": JSON(isCut)]
    },
  ]
}

extension APIContext {
  /// The chain that can go back and forward by itself.
  var instant: ChainNode {
    get throws(APIFailure) {
      guard case .instant(let node) = development else { throw APIFailure.notHere }
      return node
    }
  }
}

extension APIFailure {
  static let notHere = APIFailure("not_here", "this is no call of such a node: see its index")

  /// Why a transaction was not taken, by the rule's own name and code.
  init(_ rejection: Rejection) {
    self.init("\(rejection)", "rule \(rejection.rawValue): \(rejection.explanation)")
  }
}

extension Rejection {
  /// What the one who sent it should know.
  public var explanation: String {
    switch self {
    case .malformed: "the bytes are no transaction"
    case .reservedKind: "this kind of transaction is reserved"
    case .recipientNotZero: "a creation or evaluation has no recipient"
    case .highS: "the signature's s must be the lower of the two"
    case .badSignature: "nobody made this signature"
    case .wrongChain: "the transaction is for another chain"
    case .gasTooHigh: "a transaction has at most \(Transaction.gasMax) gas"
    case .gasTooLow: "the gas limit does not pay for the transaction's bytes"
    case .priceTooLow: "the maximum price is below the base fee"
    case .nonceTooLow: "this nonce was used before"
    case .balanceTooLow: "the balance does not cover the gas limit and the value"
    case .nonceTooHigh: "an earlier nonce was not used yet"
    case .blockFull: "the block has no room for it"
    case .alreadyKnown: "the transaction is known already"
    case .replacementTooCheap: "a replacement must offer 10 % more, in price and in tip"
    case .poolFull: "the pool is full of transactions that offer more"
    default: "the block is not valid: \(self)"
    }
  }
}
