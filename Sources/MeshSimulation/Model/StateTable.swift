/// A state of the whole model: three honest validators, whose order does not matter, and the honest
/// owner's wallet.
struct ModelState: Equatable {
  /// Of `ModelValidators`, ascending, 20 bits each.
  var validators: UInt64
  /// See `ModelWallet.packed`.
  var wallet: UInt32

  init(_ ids: (Int, Int, Int), wallet: UInt32) {
    var (a, b, c) = ids
    if a > b { swap(&a, &b) }
    if b > c { swap(&b, &c) }
    if a > b { swap(&a, &b) }
    validators = UInt64(a) | UInt64(b) << 20 | UInt64(c) << 40
    self.wallet = wallet
  }

  var ids: (Int, Int, Int) {
    (
      Int(validators & 0xfffff), Int(validators >> 20 & 0xfffff),
      Int(validators >> 40 & 0xfffff)
    )
  }

  subscript(_ place: Int) -> Int { Int(validators >> UInt64(20 * place) & 0xfffff) }

  /// The same with another validator in one place.
  func replacing(_ place: Int, by id: Int) -> ModelState {
    let (a, b, c) = ids
    return switch place {
    case 0: ModelState((id, b, c), wallet: wallet)
    case 1: ModelState((a, id, c), wallet: wallet)
    default: ModelState((a, b, id), wallet: wallet)
    }
  }
}

/// States in the order in which they were found, each once, with where each came from.
///
/// 20 bytes a state and 4 to 8 for its place in the hash table.
struct StateTable {
  private var validators: [UInt64] = []
  private var wallets: [UInt32] = []
  private var parents: [UInt32] = []
  /// Open addressing; index + 1, 0 for a free place.
  private var places = [UInt32](repeating: 0, count: 1 << 16)

  var count: Int { validators.count }

  subscript(_ index: Int) -> ModelState {
    var state = ModelState((0, 0, 0), wallet: wallets[index])
    state.validators = validators[index]
    return state
  }

  func parent(_ index: Int) -> Int { Int(parents[index]) }

  func contains(_ state: ModelState) -> Bool { places[place(of: state)] != 0 }

  /// False if it was known.
  @discardableResult
  mutating func insert(_ state: ModelState, parent: Int = 0) -> Bool {
    let place = place(of: state)
    guard places[place] == 0 else { return false }
    validators.append(state.validators)
    wallets.append(state.wallet)
    parents.append(UInt32(parent))
    places[place] = UInt32(validators.count)
    if validators.count * 10 > places.count * 6 { grow() }
    return true
  }

  private func place(of state: ModelState) -> Int {
    let mask = places.count - 1
    var place = Int(truncatingIfNeeded: Self.hash(state.validators, state.wallet)) & mask
    while true {
      let entry = places[place]
      if entry == 0 { return place }
      let index = Int(entry) - 1
      if validators[index] == state.validators, wallets[index] == state.wallet { return place }
      place = (place + 1) & mask
    }
  }

  private mutating func grow() {
    places = [UInt32](repeating: 0, count: 2 * places.count)
    let mask = places.count - 1
    for index in validators.indices {
      var place = Int(truncatingIfNeeded: Self.hash(validators[index], wallets[index])) & mask
      while places[place] != 0 { place = (place + 1) & mask }
      places[place] = UInt32(index + 1)
    }
  }

  private static func hash(_ validators: UInt64, _ wallet: UInt32) -> UInt64 {
    var z = validators &+ UInt64(wallet) &* 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z &>> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z &>> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z &>> 31)
  }
}
