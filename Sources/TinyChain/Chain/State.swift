public import Kernel

/// What is behind an address.
public struct Account: Hashable, Sendable {
  public enum Code: UInt8, Sendable { case none, brainfuck, lisp }

  /// Transactions sent, or contracts created.
  public var nonce: UInt64 = 0
  public var balance: UInt64 = 0
  public var code = Code.none

  public init() {}

  // nonce 8 ‖ balance 8 ‖ code 1
  public init(_ bytes: [UInt8]) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    (nonce, balance) = (try reader.uint64(), try reader.uint64())
    guard let code = Code(rawValue: try reader.uint8()) else {
      throw reader.failure(.unknown("code"))
    }
    self.code = code
    try reader.finish()
  }

  public var bytes: [UInt8] {
    var writer = ByteWriter(capacity: 17)
    for field in [nonce, balance] { writer.integer(field) }
    writer.integer(code.rawValue)
    return writer.bytes
  }
}

/// The name of a leaf of the state: a byte for what it is, then of whom, then which.
public enum StateKey: Hashable, Sendable {
  case account(Address), code(Address)
  case page(UInt8, of: Address)
  case entry([UInt8], of: Address)
  case baseFee, supply

  public var bytes: [UInt8] {
    let (kind, it, which): (UInt8, Address?, [UInt8]) =
      switch self {
      case .account(let it): (0, it, [])
      case .code(let it): (1, it, [])
      case .page(let index, let it): (2, it, [index])
      case .entry(let key, let it): (3, it, key)
      case .baseFee: (4, nil, [])
      case .supply: (5, nil, [])
      }
    var writer = ByteWriter(capacity: 1 + Address.size + which.count)
    writer.integer(kind)
    it?.encode(into: &writer)
    writer.array(which)
    return writer.bytes
  }
}

/// What a block does to one leaf; nil is no leaf.
///
/// A block's changes are its undo journal: backwards they restore the state before it.
public struct StateChange: Hashable, Sendable {
  public let key: [UInt8]
  public let before: [UInt8]?
  public let after: [UInt8]?

  /// As it was stored.
  public init(key: [UInt8], before: [UInt8]?, after: [UInt8]?) {
    (self.key, self.before, self.after) = (key, before, after)
  }
}

/// All that the chain knows, as leaves of one tree; copies are cheap.
public struct State: Sendable {
  public private(set) var tree = MerkleTree()
  /// What was set since the tree was, and what each setting replaced.
  private var pending: [StateKey: [UInt8]?] = [:]
  private var replaced: [(key: StateKey, value: [UInt8]??)] = []

  public init() {}

  /// From what a node has stored.
  public init(leaves: [(key: [UInt8], value: [UInt8])]) {
    tree.update(leaves.map { ($0.key, $0.value) })
  }

  public internal(set) subscript(key: StateKey) -> [UInt8]? {
    get { pending[key] ?? tree[key.bytes] }
    set { replaced.append((key, pending.updateValue(newValue, forKey: key))) }
  }

  // MARK: Within a block

  /// Where `revert` can come back to.
  var checkpoint: Int { replaced.count }

  /// Forgets the checkpoints, and the values they keep.
  mutating func settle() { replaced.removeAll(keepingCapacity: true) }

  mutating func revert(to checkpoint: Int) {
    for (key, value) in replaced[checkpoint...].reversed() { pending[key] = value }
    replaced.removeSubrange(checkpoint...)
  }

  // MARK: Blocks

  /// Ends a block: brings its changes into the tree.
  mutating func commit() -> [StateChange] {
    let values = pending.map { (key: $0.key.bytes, value: $0.value) }
      .sorted { $0.key.lexicographicallyPrecedes($1.key) }
    (pending, replaced) = ([:], [])
    return zip(values, tree.update(values))
      .map { StateChange(key: $0.key, before: $1, after: $0.value) }
      .filter { $0.before != $0.after }
  }

  mutating func undo(_ changes: [StateChange]) { tree.update(changes.map { ($0.key, $0.before) }) }
  mutating func redo(_ changes: [StateChange]) { tree.update(changes.map { ($0.key, $0.after) }) }

  // MARK: What leaves mean

  /// An account that was never used is one without anything.
  public func account(_ address: Address) -> Account {
    guard let bytes = self[.account(address)] else { return Account() }
    guard let account = try? Account(bytes) else { preconditionFailure("a leaf of the state") }
    return account
  }

  mutating func change(_ address: Address, _ change: (inout Account) -> Void) {
    var account = account(address)
    change(&account)
    self[.account(address)] = account == Account() ? nil : account.bytes
  }

  /// The base fee, or the supply, which is the sum of all balances.
  public internal(set) subscript(number key: StateKey) -> UInt64 {
    get {
      var reader = ByteReader(self[key] ?? [])
      return (try? reader.uint64()) ?? 0
    }
    set { self[key] = newValue.littleEndianBytes }
  }
}
