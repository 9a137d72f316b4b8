import EdDSA
import Kernel
import SmallNano

/// Something that owners, representatives or the node itself do to a ledger.
enum LedgerOperation {
  case append(Block)
  case judge(Block)
  case confirm(BlockHash, Instant, limit: Int)
  case rollback(Slot)
  /// What consensus writes beside the ledger.
  case note(LedgerChange)
}

/// What an operation answered.
enum LedgerAnswer: Equatable {
  case appended(LedgerBlock)
  case refused(BlockRejection)
  case valid
  case confirmed([LedgerBlock], isComplete: Bool)
  case removed([LedgerBlock])
  case noted
}

extension Ledger {
  mutating func carryOut(
    _ operation: LedgerOperation,
    into change: inout LedgerChange
  ) -> LedgerAnswer {
    switch operation {
    case .append(let block):
      do throws(BlockRejection) {
        return .appended(try append(Verified(checked: block), into: &change))
      } catch {
        return .refused(error)
      }
    case .judge(let block):
      return candidateRejection(of: block).map { .refused($0) } ?? .valid
    case .confirm(let hash, let now, let limit):
      let result = confirm(hash, at: now, limit: limit, into: &change)
      return .confirmed(result.confirmed, isComplete: result.isComplete)
    case .rollback(let slot):
      return .removed(rollback(slot, into: &change))
    case .note(let note):
      store.apply(note)
      change.append(contentsOf: note)
      return .noted
    }
  }
}

/// Chooses operations for a ledger, most of them sensible; equal seeds choose equally.
struct RandomLedger {
  /// No work: this is about what blocks do.
  static let parameters = NetworkParameters(
    network: .dev,
    genesisAccount: accounts[0],
    epochKey: PublicKey(.zero),
    supply: NetworkParameters.fullSupply,
    workThresholds: WorkThresholds(send: 0, receive: 0),
    minimumBalance: Amount(raw: 1_000_000),
    quorumFloorPercent: 10,
    peeringPort: 1,
    rpcPort: 2
  )

  /// Ten accounts, several of which have the same first 8 bytes.
  static let accounts: [Account] = (0..<10).map { (number: UInt64) -> Account in
    let first: UInt64 = (number / 4 + 1) << 56 | 7
    return Account(Bytes32(words: (first, 1, 2, (10 - number) << 40)))
  }

  var random: SplitMix64
  /// Every block ever tried, whether it is in the chain or not.
  private(set) var blocks: [Block] = []

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
  }

  mutating func next(for ledger: Ledger) -> LedgerOperation {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<30: .append(remember(send(in: ledger)))
    case 30..<55: .append(remember(receive(in: ledger)))
    case 55..<60: .append(remember(changeRepresentative(in: ledger)))
    case 60..<66: .judge(remember(fork(in: ledger)))
    case 66..<70: .append(remember(fork(in: ledger)))
    case 70..<84:
      .confirm(
        someBlock(in: ledger),
        Instant(milliseconds: .random(in: 0...1_000_000, using: &random)),
        limit: .random(in: 1...8, using: &random)
      )
    case 84..<91: .rollback(someSlot(in: ledger))
    default: .note(consensus(in: ledger))
    }
  }

  // MARK: Blocks

  private mutating func remember(_ block: Block) -> Block {
    blocks.append(block)
    return block
  }

  private mutating func account() -> Account {
    Self.accounts.randomElement(using: &random) ?? .burn
  }

  /// A block on top of the account's chain, or of the given one.
  private mutating func block(
    of account: Account,
    in ledger: Ledger,
    above below: LedgerBlock? = nil,
    representative: Account? = nil,
    balance: Amount,
    link: Bytes32
  ) -> Block {
    let state = ledger.store.account(account)
    return Block(
      account: account,
      previous: below?.hash ?? state?.head ?? .zero,
      representative: representative ?? state?.representative ?? self.account(),
      balance: balance,
      link: link,
      height: below?.block.height.next ?? state?.height.next ?? .open,
      work: random.next(),
      signature: Signature(Bytes64(low: someBytes(), high: someBytes())),
      on: Self.parameters.chainID
    )
  }

  private mutating func someBytes() -> Bytes32 {
    Bytes32(words: (random.next(), random.next(), random.next(), random.next()))
  }

  /// Round amounts, odd ones, and a few that are too small or too large.
  private mutating func part(of balance: Amount) -> Amount {
    switch Int.random(in: 0..<10, using: &random) {
    case 0: Amount(raw: .random(in: 0...1_000_000, using: &random))
    case 1...5: Amount(raw: balance.raw / 1000 / 1_000_000 * 1_000_000)
    default: Amount(raw: .random(in: 0...balance.raw, using: &random))
    }
  }

  private mutating func send(in ledger: Ledger) -> Block {
    let source = account()
    let balance = ledger.store.account(source)?.balance ?? .zero
    let destination = Int.random(in: 0..<15, using: &random) == 0 ? .burn : account()
    return block(
      of: source,
      in: ledger,
      balance: balance.subtracting(part(of: balance)) ?? .zero,
      link: destination.bytes
    )
  }

  private mutating func receive(in ledger: Ledger) -> Block {
    let from = ReceivableKey(destination: account(), hash: BlockHash(someBytes()))
    let waiting =
      ledger.store.receivables(from: from, limit: 4).randomElement(using: &random)
      ?? ledger.store.receivables(
        from: ReceivableKey(destination: .burn, hash: .zero),
        limit: 20
      ).randomElement(using: &random)
    guard let waiting else { return send(in: ledger) }
    let balance = ledger.store.account(waiting.key.destination)?.balance ?? .zero
    return block(
      of: waiting.key.destination,
      in: ledger,
      balance: balance + waiting.amount,
      link: waiting.key.hash.bytes
    )
  }

  private mutating func changeRepresentative(in ledger: Ledger) -> Block {
    let account = account()
    return block(
      of: account,
      in: ledger,
      representative: self.account(),
      balance: ledger.store.account(account)?.balance ?? .zero,
      link: .zero
    )
  }

  /// Another block for a slot of the chain.
  private mutating func fork(in ledger: Ledger) -> Block {
    let slot = someSlot(in: ledger)
    guard let height = slot.height.previous,
      let below = ledger.store.block(at: Slot(account: slot.account, height: height))
    else { return receive(in: ledger) }
    if Bool.random(using: &random) {
      let key = ReceivableKey(destination: slot.account, hash: .zero)
      let waiting = ledger.store.receivables(from: key, limit: 8).randomElement(using: &random)
      if let waiting {
        return block(
          of: slot.account,
          in: ledger,
          above: below,
          balance: below.block.balance + waiting.amount,
          link: waiting.key.hash.bytes
        )
      }
    }
    return block(
      of: slot.account,
      in: ledger,
      above: below,
      balance: below.block.balance.subtracting(part(of: below.block.balance)) ?? .zero,
      link: account().bytes
    )
  }

  // MARK: Places

  /// Usually a slot near the head of an account's chain.
  private mutating func someSlot(in ledger: Ledger) -> Slot {
    let account = account()
    let head = ledger.store.account(account)?.height.number ?? 1
    let depth = min(head - 1, .random(in: 0...5, using: &random))
    return Slot(account: account, height: Height(head - depth))
  }

  private mutating func someBlock(in ledger: Ledger) -> BlockHash {
    ledger.store.block(at: someSlot(in: ledger))?.hash ?? BlockHash(someBytes())
  }

  // MARK: Consensus

  private mutating func consensus(in ledger: Ledger) -> LedgerChange {
    let slot = someSlot(in: ledger)
    let hash = someBlock(in: ledger)
    let choice = RoundHash(round: Round(.random(in: 0...3, using: &random)), hash: hash)
    let operation: LedgerChange.Operation =
      switch Int.random(in: 0..<8, using: &random) {
      case 0, 1:
        .putVoteRecord(
          VoteRecord(
            representative: account(),
            slot: slot,
            round: choice.round,
            latestNormal: Bool.random(using: &random) ? choice : nil,
            lock: Bool.random(using: &random) ? choice : nil
          )
        )
      case 2: .putCandidate(fork(in: ledger))
      case 3: .putCertificate(Certificate(slot: slot, choice: choice, votes: votes(for: choice)))
      case 4:
        ledger.store.certificates(at: slot).first.map { .removeCertificate(slot, $0.choice) }
          ?? .removeCertificate(slot, choice)
      case 5:
        ledger.store.candidates(at: slot).first.map { .removeCandidate(slot, $0.hash) }
          ?? .removeElection(slot)
      case 6: .admitVoter(account(), since: someInstant())
      default:
        .putOnlineSample(
          OnlineSample(time: someInstant(), weight: part(of: Self.parameters.supply)),
          dropBefore: Instant(milliseconds: .random(in: 0...100, using: &random))
        )
      }
    return LedgerChange([operation])
  }

  private mutating func someInstant() -> Instant {
    Instant(milliseconds: .random(in: 0...1000, using: &random))
  }

  private mutating func votes(for choice: RoundHash) -> [Vote] {
    (0..<Int.random(in: 0...3, using: &random)).map { _ in
      Vote(
        representative: account(),
        kind: .normal,
        round: choice.round,
        timestamp: random.next(),
        hashes: [choice.hash, BlockHash(someBytes())],
        signature: Signature(Bytes64(low: someBytes(), high: someBytes()))
      )
    }
  }
}
