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
    nonce.littleEndianBytes + balance.littleEndianBytes + [code.rawValue]
  }
}

/// The name of a leaf of the state: a byte for what it is, then of whom, then which.
public struct StateKey: Hashable, Sendable {
  public let bytes: [UInt8]

  public static func account(_ it: Address) -> Self { Self(bytes: [0] + it.bytes) }
  public static func code(_ it: Address) -> Self { Self(bytes: [1] + it.bytes) }
  public static func page(_ index: UInt8, of it: Address) -> Self {
    Self(bytes: [2] + it.bytes + [index])
  }
  public static func entry(_ key: [UInt8], of it: Address) -> Self {
    Self(bytes: [3] + it.bytes + key)
  }
  public static let baseFee = Self(bytes: [4])
  public static let supply = Self(bytes: [5])
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
  private var pending: [[UInt8]: [UInt8]?] = [:]
  private var replaced: [(key: [UInt8], value: [UInt8]??)] = []

  public init() {}

  /// From what a node has stored.
  public init(leaves: [(key: [UInt8], value: [UInt8])]) {
    tree.update(leaves.map { ($0.key, $0.value) })
  }

  public internal(set) subscript(key: StateKey) -> [UInt8]? {
    get { pending[key.bytes] ?? tree[key.bytes] }
    set {
      replaced.append((key.bytes, pending[key.bytes]))
      pending[key.bytes] = .some(newValue)
    }
  }

  // MARK: Within a block

  /// Where `revert` can come back to.
  var checkpoint: Int { replaced.count }

  /// Forgets the checkpoints, and the memory they take.
  mutating func settle() { replaced = [] }

  mutating func revert(to checkpoint: Int) {
    while replaced.count > checkpoint {
      let (key, value) = replaced.removeLast()
      pending[key] = value
    }
  }

  // MARK: Blocks

  /// Ends a block: brings its changes into the tree.
  mutating func commit() -> [StateChange] {
    let changes = pending.map { StateChange(key: $0.key, before: tree[$0.key], after: $0.value) }
      .filter { $0.before != $0.after }
      .sorted { $0.key.lexicographicallyPrecedes($1.key) }
    (pending, replaced) = ([:], [])
    redo(changes)
    return changes
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
