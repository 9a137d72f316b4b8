import Kernel
import TinyChain

/// New blocks and transactions, from peer to peer.
extension PeerMachine {
  /// Checks of signatures under way: 32 × 256 KB.
  static let checksMax = 32

  // MARK: Blocks

  /// Tells of a new tip those who may not know it.
  mutating func announce(_ block: ExecutedBlock) {
    shorts.announce(block)
    let work = tip.work
    let short = ShortBlock(
      block.header,
      salt: random.next(),
      transactions: block.transactions.map(\.id)
    )
    for id in ready {
      guard let peer = peers[id], peer.work <= work, !peer.blocks.contains(block.id) else {
        continue
      }
      if ask(.short(short), of: id) { peers[id]?.blocks.insert(block.id) }
    }
  }

  /// Takes a new block in, as far as it can be put together here.
  ///
  /// - Returns: which of its transactions are missing.
  mutating func take(_ short: ShortBlock, from id: PeerID) -> [Int] {
    let header = short.header
    let name = header.id
    peers[id]?.blocks.insert(name)
    guard let entry = entry(of: header, name, from: id) else { return [] }
    peers[id]?.shows(entry.work)
    guard entry.status == .known, !fetch.holds(name, store) else { return [] }
    let found = transactions(of: short)
    let missing = found.indices.filter { found[$0] == nil }
    guard !missing.isEmpty else {
      // If it is another, as two have one short id, the body is asked for like any.
      _ = accept(found.compactMap { $0 }, of: entry, from: id)
      return []
    }
    let deadline = now + ShortBlocks.patience
    let partial = ShortBlocks.Partial(id: name, peer: id, deadline: deadline, transactions: found)
    return shorts.wait(partial) ? missing : []
  }

  /// The header in the tree; nil if it breaks a rule, is of no use, or its parent has to be asked for.
  private mutating func entry(of header: Header, _ name: Bytes32, from id: PeerID) -> HeaderEntry? {
    if let known = tree.entry(of: name) { return known }
    guard let parent = tree.entry(of: header.parent) else {
      // It is not kept, for anyone can make a header that follows nothing.
      if peers[id] != nil { askForHeaders(of: id) }
      return nil
    }
    guard let target = UInt256(compact: header.bits) else {
      blame(id, .invalidHeader)
      return nil
    }
    let (work, overflow) = parent.work.addingReportingOverflow(.work(ofTarget: target))
    do throws(Rejection) {
      // A branch that is no better is looked at when it is.
      guard overflow || work > tip.work,
        let entry = try tree.add(header, id: name, now: seconds)
      else {
        return nil
      }
      change.operations.append(.headers([entry]))
      return entry
    } catch {
      if error.blame == .sender { blame(id, .invalidHeader) }
      return nil
    }
  }

  /// What the pool has of a block.
  private func transactions(of short: ShortBlock) -> [[UInt8]?] {
    let hash = ShortID(of: short.header, salt: short.salt)
    var places: [UInt64: Int] = [:]
    for (place, id) in short.ids.enumerated() { places[id] = places[id] == nil ? place : -1 }
    var found = [Bytes32?](repeating: nil, count: short.ids.count)
    for id in index.senders.keys {
      let key = hash(id)
      guard let place = places[key], place >= 0 else { continue }
      if found[place] != nil {
        // Two of the pool have this short id: which it is the sender has to say.
        (found[place], places[key]) = (nil, -1)
      } else {
        found[place] = id
      }
    }
    return found.map { $0.flatMap { index.transaction($0, pool)?.bytes } }
  }

  /// The peer's answer to a short block: what it lacks goes to it.
  mutating func complete(_ short: ShortBlock, _ indices: [Int], for id: PeerID) {
    guard !indices.isEmpty else { return }
    guard let last = indices.last, last < short.ids.count else { return blame(id, .unreadable) }
    let name = short.header.id
    guard let transactions = shorts.transactions(of: name) else { return }  // by now it asks itself
    ask(.complete(name, indices.map { transactions[$0].bytes }), of: id)
  }

  mutating func take(_ transactions: [[UInt8]], missingOf block: Bytes32, from id: PeerID) {
    guard var partial = shorts.remove(block, from: id), let entry = tree.entry(of: block) else {
      return
    }
    let missing = partial.transactions.indices.filter { partial.transactions[$0] == nil }
    guard missing.count == transactions.count else { return blame(id, .wrongBody) }
    for (place, transaction) in zip(missing, transactions) {
      partial.transactions[place] = transaction
    }
    // If it is another block, a short id may have meant another transaction: nobody is to blame.
    _ = accept(partial.transactions.compactMap { $0 }, of: entry, from: id)
  }

  // MARK: Transactions

  mutating func submit(_ transaction: SignedTransaction, _ request: RequestID) {
    do throws(Rejection) {
      try enter(transaction)
      if configuration.canary != .forgetSubmitted {
        change.operations.append(.pooled([transaction]))
      }
      offer(transaction.id, except: nil)
      effects.append(.reply(.submitted(transaction.id), request))
      effects.append(.report(.poolChanged(pool.count)))
    } catch {
      effects.append(.reply(.rejected(error), request))
    }
  }

  func offer(_ id: Bytes32, to peer: inout Peer) {
    guard peer.hello != nil, peer.offers.count < PeerLimits.offersMax, peer.known.insert(id) else {
      return
    }
    peer.offers.append(id)
  }

  mutating func offer(_ id: Bytes32, except origin: PeerID?) {
    for peer in ready where peer != origin {
      guard var it = peers.removeValue(forKey: peer) else { continue }
      offer(id, to: &it)
      peers[peer] = it
    }
  }

  /// Offers what has gathered, in one message to each.
  mutating func flushOffers() {
    for id in ready {
      guard let peer = peers[id], !peer.offers.isEmpty,
        !peer.isAsked({ if case .offer = $0 { true } else { false } }),
        ask(.offer(peer.offers), of: id)
      else { continue }
      peers[id]?.offers = []
    }
  }

  /// Of transactions that a peer offers, those that are of use.
  mutating func wanted(of ids: [Bytes32], by id: PeerID) -> [Bytes32] {
    var wanted: [Bytes32] = []
    for transaction in ids {
      peers[id]?.known.insert(transaction)
      if isWanted(transaction), !wanted.contains(transaction) { wanted.append(transaction) }
    }
    return wanted
  }

  private func isWanted(_ id: Bytes32) -> Bool {
    index.transaction(id, pool) == nil && !refused.contains(id)
  }

  /// Sends what a peer wants of what it was offered.
  mutating func push(_ wanted: [Bytes32], of offered: [Bytes32], to id: PeerID) {
    guard Set(wanted).isSubset(of: offered), wanted.count <= offered.count else {
      return blame(id, .unreadable)
    }
    var (batch, size) = ([[UInt8]](), 0)
    for transaction in wanted {
      guard let bytes = index.transaction(transaction, pool)?.bytes else { continue }
      if size + bytes.count > PeerLimits.transactionsBytesMax {
        ask(.push(batch), of: id)
        (batch, size) = ([], 0)
      }
      batch.append(bytes)
      size += bytes.count
    }
    if !batch.isEmpty { ask(.push(batch), of: id) }
  }

  /// Asks for what a peer's pool has and this one has not.
  mutating func fetch(offered ids: [Bytes32], from id: PeerID) {
    let wanted = wanted(of: ids, by: id)
    if !wanted.isEmpty { ask(.fetch(wanted), of: id) }
  }

  func transactions(_ ids: [Bytes32], for id: PeerID) -> [[UInt8]] {
    var (transactions, size) = ([[UInt8]](), 0)
    for id in ids {
      guard let bytes = index.transaction(id, pool)?.bytes else { continue }
      size += bytes.count
      guard size <= PeerLimits.transactionsBytesMax || transactions.isEmpty else { break }
      transactions.append(bytes)
    }
    return transactions
  }

  /// Has the signatures checked of what a peer sent.
  mutating func check(_ transactions: [[UInt8]], from id: PeerID) {
    let size = transactions.reduce(0) { $0 + $1.count }
    guard size <= 2 * PeerLimits.transactionsBytesMax else { return blame(id, .unreadable) }
    let unknown = transactions.filter { isWanted(SHA256.double($0)) }
    guard !unknown.isEmpty, checks < Self.checksMax else { return }
    checks += 1
    _ = start(.check(unknown, from: id))
  }

  mutating func take(_ results: [Result<SignedTransaction, Rejection>], from id: PeerID) {
    checks -= 1
    let count = pool.count
    for result in results {
      do throws(Rejection) {
        let transaction = try result.get()
        peers[id]?.known.insert(transaction.id)
        do throws(Rejection) {
          try enter(transaction)
        } catch {
          if !error.isTransient { refused.insert(transaction.id) }
          throw error
        }
        saveLater(transaction.id)
        offer(transaction.id, except: id)
      } catch {
        if error.blame == .sender { blame(id, .invalidTransaction) }
      }
    }
    if pool.count != count { effects.append(.report(.poolChanged(pool.count))) }
  }
}
