import Kernel

/// Votes that came before their block.
///
/// Bounded in hashes, and in hashes per representative, so that one who votes for junk displaces
/// only its own votes.
struct VoteCache: Sendable {
  /// 4,096 hashes with a few votes each, about 2 MB at worst.
  static let hashesMax = 4096
  /// A representative's unknown hashes: two full vote messages.
  static let hashesPerRepresentativeMax = 512

  private var votes: [BlockHash: [Vote]] = [:]
  /// In order of arrival, with entries of hashes that were taken meanwhile.
  private var order: [BlockHash] = []
  private var counts: [Account: Int] = [:]

  var count: Int { votes.count }

  /// True if it was not known and there was room.
  mutating func insert(_ vote: Vote, for hash: BlockHash) -> Bool {
    let known = votes[hash] ?? []
    guard
      !known.contains(where: {
        $0.representative == vote.representative && $0.kind == vote.kind && $0.round == vote.round
      })
    else { return false }
    guard counts[vote.representative, default: 0] < Self.hashesPerRepresentativeMax else {
      return false
    }
    if known.isEmpty {
      while votes.count >= Self.hashesMax { evictOldest() }
      order.append(hash)
      if order.count > 2 * Self.hashesMax { order.removeAll { votes[$0] == nil && $0 != hash } }
    }
    counts[vote.representative, default: 0] += 1
    votes[hash, default: []].append(vote)
    return true
  }

  /// What was said of a hash, for an election that begins.
  mutating func take(_ hash: BlockHash) -> [Vote] {
    guard let taken = votes.removeValue(forKey: hash) else { return [] }
    forget(taken)
    return taken
  }

  func representatives(for hash: BlockHash) -> [Account] {
    var seen: [Account] = []
    for vote in votes[hash] ?? [] where !seen.contains(vote.representative) {
      seen.append(vote.representative)
    }
    return seen
  }

  private mutating func evictOldest() {
    while !order.isEmpty {
      let hash = order.removeFirst()
      if let gone = votes.removeValue(forKey: hash) {
        forget(gone)
        return
      }
    }
  }

  private mutating func forget(_ gone: [Vote]) {
    for vote in gone {
      let count = counts[vote.representative, default: 1] - 1
      counts[vote.representative] = count == 0 ? nil : count
    }
  }
}
