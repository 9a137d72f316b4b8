public import Kernel

/// A set of keys with values under one hash: a path-compressed binary trie over SHA-256(key).
///
/// A value: copies share what they have in common, so a snapshot is free. Each node knows the hash
/// of what is under it:
///
/// - leaf: SHA-256(00 ‖ path 32 ‖ value), with path = SHA-256(key)
/// - branch: SHA-256(01 ‖ bit 1 ‖ left ‖ right), with the bit of the path that tells left from right
/// - nothing: 32 zeros
///
/// So no node passes for a leaf; and as branches commit to their bit, the way from the root that a
/// path takes is fixed, which is what proofs of absence rest on.
public struct MerkleTree: Sendable {
  private var top: Node?

  public init() {}

  /// A list, its keys the indices as 4 bytes.
  public init(list: [[UInt8]]) {
    update(list.enumerated().map { (Self.key(ofIndex: $0.offset), $0.element) })
  }

  public static func key(ofIndex index: Int) -> [UInt8] { UInt32(index).littleEndianBytes }

  public var root: Bytes32 { top?.hash ?? .zero }

  public subscript(key: [UInt8]) -> [UInt8]? { top?.value(at: SHA256.hash(key)) }

  /// Sets the values of different keys; nil removes one.
  ///
  /// - Returns: what each replaces.
  @discardableResult
  public mutating func update(_ changes: [(key: [UInt8], value: [UInt8]?)]) -> [[UInt8]?] {
    let sorted = changes.enumerated().map { (path: SHA256.hash($1.key), place: $0) }
      .sorted { $0.path < $1.path }
    var replaced = [[UInt8]?](repeating: nil, count: changes.count)

    /// One pass over changes that are in order; each node that changes is hashed once.
    func updated(_ node: Node?, by range: Range<Int>) -> Node? {
      guard let index = range.first, let last = range.last else { return node }
      let (path, place) = sorted[index]
      // Where the first two of all these paths part.
      var bit = path.firstDifference(from: sorted[last].path)
      if let node { bit = min(bit, node.bit, node.path.firstDifference(from: path)) }
      guard bit < Node.leafBit else {
        replaced[place] = node?.value
        return changes[place].value.map { Node(path: path, value: $0) }
      }
      let middle = range.first { sorted[$0].path.bit(bit) } ?? last + 1
      var (left, right) = node?.path.bit(bit) == true ? (nil, node) : (node, nil)
      if let node, node.bit == bit { (left, right) = (node.left, node.right) }
      (left, right) = (updated(left, by: index..<middle), updated(right, by: middle..<last + 1))
      guard let left, let right else { return left ?? right }
      return Node(bit: bit, left, right)
    }
    top = updated(top, by: sorted.indices)
    return replaced
  }

  /// Shows what the tree holds under a key, be it nothing.
  public func proof(of key: [UInt8]) -> MerkleProof {
    guard var node = top else { return MerkleProof(leaf: nil, steps: []) }
    let path = SHA256.hash(key)
    var steps: [MerkleProof.Step] = []
    while let left = node.left, let right = node.right {
      let isRight = path.bit(node.bit)
      steps.append(.init(bit: UInt8(node.bit), sibling: isRight ? left.hash : right.hash))
      node = isRight ? right : left
    }
    return MerkleProof(leaf: .init(path: node.path, value: node.value), steps: steps)
  }

  private final class Node: Sendable {
    static let leafBit = 256

    let hash: Bytes32
    /// A leaf's own, or that of some leaf below.
    let path: Bytes32
    let bit: Int
    let value: [UInt8]
    /// Nil for a leaf.
    let left, right: Node?

    /// Recursion, no deeper than a path has bits, holds no node on the way.
    func value(at path: Bytes32) -> [UInt8]? {
      guard bit < Self.leafBit else { return path == self.path ? value : nil }
      return path.bit(bit) ? right?.value(at: path) : left?.value(at: path)
    }

    init(path: Bytes32, value: [UInt8]) {
      (self.path, self.value, bit, left, right) = (path, value, Self.leafBit, nil, nil)
      hash = MerkleProof.Leaf(path: path, value: value).hash
    }

    init(bit: Int, _ left: Node, _ right: Node) {
      (path, value, self.bit, self.left, self.right) = (left.path, [], bit, left, right)
      hash = SHA256.hash(1, UInt8(bit), left.hash, right.hash)
    }
  }
}

/// The way from a tree's root to where a key is, or would be.
public struct MerkleProof: Hashable, Sendable {
  struct Leaf: Hashable {
    let path: Bytes32
    let value: [UInt8]

    var hash: Bytes32 { SHA256.hash(0, path, value) }
  }

  struct Step: Hashable {
    let bit: UInt8
    let sibling: Bytes32
  }

  /// Nil for the empty tree.
  let leaf: Leaf?
  /// From the root down.
  let steps: [Step]

  /// Checks the proof against a root that is trusted: all that a client with headers needs.
  ///
  /// - Returns: the key's value; nil if it is shown to have none.
  /// - Throws: `wrongProof` if nothing is shown.
  public func value(of key: [UInt8], under root: Bytes32) throws(Rejection) -> [UInt8]? {
    let path = SHA256.hash(key)
    var (hash, below) = (leaf?.hash ?? .zero, Int(UInt8.max) + 1)
    for step in steps.reversed() {
      guard leaf != nil, step.bit < below else { throw .wrongProof }
      below = Int(step.bit)
      let isRight = path.bit(below)
      let (left, right) = isRight ? (step.sibling, hash) : (hash, step.sibling)
      hash = SHA256.hash(1, step.bit, left, right)
    }
    guard hash == root else { throw .wrongProof }
    return leaf?.path == path ? leaf?.value : nil
  }

  // Number of steps 2 ‖ steps (bit 1 ‖ sibling 32) ‖ leaf, if there is one (path 32 ‖ value).
  public init(_ bytes: [UInt8]) throws(DecodingFailure) {
    var (reader, steps) = (ByteReader(bytes), [Step]())
    for _ in 0..<(try reader.uint16()) {
      steps.append(Step(bit: try reader.uint8(), sibling: try reader.bytes32()))
    }
    self.steps = steps
    let hasLeaf = reader.remaining > 0
    leaf = hasLeaf ? try Leaf(path: reader.bytes32(), value: reader.array(reader.remaining)) : nil
  }

  init(leaf: Leaf?, steps: [Step]) { (self.leaf, self.steps) = (leaf, steps) }

  public var bytes: [UInt8] {
    steps.reduce(into: UInt16(steps.count).littleEndianBytes) { $0 += [$1.bit] + $1.sibling.bytes }
      + (leaf.map { $0.path.bytes + $0.value } ?? [])
  }
}
