import Kernel
public import SmallNano

/// Sending, receiving and choosing representatives.
extension Wallet {
  /// Sends an amount, or with nil everything but the minimum balance.
  ///
  /// With an `id` the call can be repeated when its answer was lost, also after a restart: it
  /// returns the block that the first call made.
  ///
  /// - Returns: the block's hash, once the ledger holds the block durably.
  /// - Throws: `WalletFailure`.
  public func send(
    from account: Account,
    to destination: Account,
    amount: Amount?,
    id: String? = nil
  ) async throws -> BlockHash {
    _ = try key(of: account)
    guard let id else {
      return try await turn(.account(account)) {
        try await makeSend(from: account, to: destination, amount: amount) { _ in }
      }
    }
    guard (1...64).contains(id.utf8.count) else { throw WalletFailure.badID }
    return try await turn(.sendID(id)) {
      try await turn(.account(account)) {
        try await send(from: account, to: destination, amount: amount, withID: id)
      }
    }
  }

  private func send(
    from account: Account,
    to destination: Account,
    amount: Amount?,
    withID id: String
  ) async throws -> BlockHash {
    let journal = try journal()
    if let entry = try journal.entry(id) {
      guard entry.block.account == account, entry.destination == destination,
        entry.amount == amount
      else { throw WalletFailure.idReused(id) }
      if let hash = try await repeatSend(entry.block) { return hash }
    }
    return try await makeSend(from: account, to: destination, amount: amount) { block in
      let entry = SendJournal.Entry(destination: destination, amount: amount, block: block)
      try journal.put(entry, under: id)
    }
  }

  /// Brings the block of an earlier call to the ledger, if it still can come there.
  ///
  /// It is never given to the node beside another block of its place: that would be a fork, signed
  /// by the owner.
  ///
  /// - Returns: its hash; nil if another block is confirmed in its place. This one can then never
  ///   move money, so a new one may.
  private func repeatSend(_ block: Block) async throws -> BlockHash? {
    let (taken, isConfirmed) = try read { tables in
      (try tables.block(at: block.slot)?.hash, try tables.isConfirmed(block.slot))
    }
    guard let taken else { return try await submit(block) }
    if taken == block.hash { return taken }
    guard isConfirmed else { throw WalletFailure.undecided(block.hash) }
    return nil
  }

  private func makeSend(
    from account: Account,
    to destination: Account,
    amount: Amount?,
    record: (Block) throws -> Void
  ) async throws -> BlockHash {
    let parameters = access.parameters
    let minimum = parameters.minimumBalance
    let block = try await block(on: account, threshold: parameters.workThresholds.send) { state in
      guard let state else { throw WalletFailure.notOpened(account) }
      let amount = amount ?? state.balance.subtracting(minimum) ?? .zero
      guard let rest = state.balance.subtracting(amount), rest >= minimum else {
        throw WalletFailure.insufficientBalance(
          amount: amount,
          balance: state.balance,
          minimum: minimum
        )
      }
      guard amount >= minimum else {
        throw WalletFailure.belowMinimum(amount: amount, minimum: minimum)
      }
      return Draft(representative: state.representative, balance: rest, link: destination.bytes)
    }
    try record(block)
    return try await submit(block)
  }

  /// Receives one send, or with nil everything that waits for the account and is confirmed.
  ///
  /// - Returns: the hashes of the receiving blocks.
  public func receive(on account: Account, send hash: BlockHash? = nil) async throws -> [BlockHash]
  {
    _ = try key(of: account)
    return try await turn(.account(account)) {
      if let hash { return [try await makeReceive(on: account, send: hash)] }
      var received: [BlockHash] = []
      while true {
        let sends = try confirmedReceivables(of: account, limit: 64)
        for hash in sends { received.append(try await makeReceive(on: account, send: hash)) }
        if sends.isEmpty { break }
      }
      guard !received.isEmpty else { throw WalletFailure.nothingReceivable(account) }
      return received
    }
  }

  /// Looks past sends that are not confirmed: a sender who forks may keep his so for long.
  private func confirmedReceivables(of account: Account, limit: Int) throws -> [BlockHash] {
    try read { tables in
      var found: [BlockHash] = []
      var start = BlockHash.zero
      for _ in 0..<Self.receivablePagesMax {
        let page = try tables.receivables(of: account, from: start, limit: Self.receivablePage)
        for each in page where try tables.isConfirmed(each.key.hash) { found.append(each.key.hash) }
        guard found.count < limit, page.count == Self.receivablePage,
          let next = page.last?.key.hash.next
        else { break }
        start = next
      }
      return Array(found.prefix(limit))
    }
  }

  /// Up to 8,192 receivables are looked at in one go, a fraction of a second.
  private static var receivablePage: Int { 256 }
  private static var receivablePagesMax: Int { 32 }

  private func makeReceive(on account: Account, send hash: BlockHash) async throws -> BlockHash {
    let parameters = access.parameters
    let representative = representative ?? account
    let threshold = parameters.workThresholds.receive
    let block = try await block(on: account, threshold: threshold) { state in
      let key = ReceivableKey(destination: account, hash: hash)
      let (receivable, isConfirmed) = try read { tables in
        (try tables.receivable(key), try tables.isConfirmed(hash))
      }
      guard let receivable, receivable.receivedAt == nil,
        let balance = (state?.balance ?? .zero).adding(receivable.amount)
      else { throw WalletFailure.notReceivable(hash) }
      // Received unconfirmed, it would be rolled back with the send.
      guard isConfirmed else { throw WalletFailure.sourceUnconfirmed(hash) }
      return Draft(
        representative: state?.representative ?? representative,
        balance: balance,
        link: hash.bytes
      )
    }
    return try await submit(block)
  }

  /// Lets an opened account name another representative.
  public func setRepresentative(
    of account: Account,
    to representative: Account
  ) async throws -> BlockHash {
    _ = try key(of: account)
    let threshold = access.parameters.workThresholds.send
    return try await turn(.account(account)) {
      let block = try await block(on: account, threshold: threshold) { state in
        guard let state else { throw WalletFailure.notOpened(account) }
        guard state.representative != representative else {
          throw WalletFailure.sameRepresentative
        }
        return Draft(representative: representative, balance: state.balance, link: .zero)
      }
      return try await submit(block)
    }
  }

  // MARK: Blocks

  /// What the next block of an account says, its place aside.
  private struct Draft {
    let representative: Account
    let balance: Amount
    let link: Bytes32
  }

  /// The signed block with work that follows an account's head; the caller has the account's turn.
  ///
  /// The turn keeps the wallet's own calls apart, not a block that came from elsewhere while work
  /// was being found: the head is therefore read again, and the draft made anew.
  private func block(
    on account: Account,
    threshold: UInt64,
    draft: (AccountState?) throws -> Draft
  ) async throws -> Block {
    while true {
      let state = try read { try $0.account(account) }
      let draft = try draft(state)
      let head = state?.head ?? .zero
      let root = head.isZero ? account.bytes : head.bytes
      let nonce = try await work(for: account, root: root, threshold: threshold)
      guard try read({ try $0.account(account) })?.head ?? .zero == head else { continue }
      let block = Block(
        account: account,
        previous: head,
        representative: draft.representative,
        balance: draft.balance,
        link: draft.link,
        height: state?.height.next ?? .open,
        work: nonce,
        on: access.parameters.chainID
      )
      // Throws if the wallet was locked meanwhile.
      return block.signed(by: try key(of: account))
    }
  }

  private func submit(_ block: Block) async throws -> BlockHash {
    do {
      let hash = try await access.process(block)
      prepareWork(for: block.account)
      return hash
    } catch let rejection as BlockRejection {
      throw WalletFailure.rejected(rejection)
    } catch {
      throw WalletFailure.nodeStopping("\(error)")
    }
  }
}

extension LedgerTables {
  /// Whether a block is in the chain and confirmed.
  func isConfirmed(_ hash: BlockHash) throws -> Bool {
    guard let held = try block(hash) else { return false }
    return try isConfirmed(held.block.slot)
  }

  func isConfirmed(_ slot: Slot) throws -> Bool {
    guard let state = try account(slot.account) else { return false }
    return slot.height <= state.confirmedHeight
  }
}

extension NodeAccess {
  /// Checks a block's signature and work and hands it to the machine.
  ///
  /// - Returns: its hash; also if the ledger held the block already.
  /// - Throws: `BlockRejection`, or what `submit` throws.
  func process(_ block: Block) async throws -> BlockHash {
    var generator = SystemRandomNumberGenerator()
    let checked = StatelessChecker(parameters).check([.publish(block)], using: &generator).first
    switch checked {
    case .success(.publish(let verified))?:
      switch try await submit(.process(verified)) {
      case .processed(let hash): return hash
      case .rejected(let rejection): throw rejection
      case .started, .voters, .admitted, .status, .election: throw BlockRejection.notReady
      }
    case .failure(.block(let rejection))?: throw rejection
    case .success?, .failure?, nil: throw BlockRejection.malformed
    }
  }
}
