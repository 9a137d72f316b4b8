/// The representatives whose weight is worth memory, in account order.
struct RepresentativeWeights: Sendable {
  typealias Entry = (representative: Account, weight: Amount)

  /// What a representative needs to be kept here: 0.01 % of the supply.
  ///
  /// So there are at most 10,000 of them, 480 KB.
  static func minimum(supply: Amount) -> Amount { Amount(raw: supply.raw / 10_000) }

  private(set) var entries: [Entry]
  private let minimum: Amount

  init(of store: any LedgerStore, supply: Amount) {
    minimum = Self.minimum(supply: supply)
    entries = store.weights(atLeast: minimum)
  }

  subscript(_ representative: Account) -> Amount? {
    let index = position(of: representative)
    guard index < entries.count, entries[index].representative == representative else { return nil }
    return entries[index].weight
  }

  /// Takes note of a new weight; forgets one that fell below the minimum.
  mutating func set(_ weight: Amount, of representative: Account) {
    let index = position(of: representative)
    let isHeld = index < entries.count && entries[index].representative == representative
    switch (isHeld, weight >= minimum) {
    case (true, true): entries[index].weight = weight
    case (true, false): entries.remove(at: index)
    case (false, true): entries.insert((representative, weight), at: index)
    case (false, false): break
    }
  }

  /// The index of the first entry that is not below `representative`.
  private func position(of representative: Account) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].representative < representative {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }
}
