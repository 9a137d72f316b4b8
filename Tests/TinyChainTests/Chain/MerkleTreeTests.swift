import Kernel
import Testing

@testable import TinyChain

/// The tree as its definition has it, all of it anew: leaves by path, split at the first bit in which
/// they differ.
private func root(of leaves: [Bytes32: [UInt8]]) -> Bytes32 {
  func hash(_ paths: [Bytes32], from bit: Int) -> Bytes32 {
    guard paths.count > 1 else {
      return paths.first.map { SHA256.hash([0] + $0.bytes + (leaves[$0] ?? [])) } ?? .zero
    }
    let ones = paths.filter { $0.bytes[bit / 8] >> UInt8(7 - bit % 8) & 1 == 1 }
    let zeros = paths.filter { !ones.contains($0) }
    guard !ones.isEmpty, !zeros.isEmpty else { return hash(paths, from: bit + 1) }
    let sides = hash(zeros, from: bit + 1).bytes + hash(ones, from: bit + 1).bytes
    return SHA256.hash([1, UInt8(bit)] + sides)
  }
  return hash(Array(leaves.keys), from: 0)
}

@Suite("The Merkle tree and its proofs")
struct MerkleTreeTests {
  private func key(_ number: Int) -> [UInt8] { [UInt8(number & 255), UInt8(number >> 8)] }

  @Test("It holds what a dictionary holds, under the root that the definition gives")
  func model() {
    var random = SplitMix64(seed: 7)
    var tree = MerkleTree()
    var model: [[UInt8]: [UInt8]] = [:]
    #expect(tree.root == .zero)
    for round in 0..<120 {
      var changes: [[UInt8]: [UInt8]?] = [:]
      for _ in 0..<Int.random(in: 0..<12, using: &random) {
        let value = [UInt8](repeating: UInt8(round), count: Int.random(in: 0..<4, using: &random))
        let isRemoval = Int.random(in: 0..<5, using: &random) < 2
        changes[key(Int.random(in: 0..<60, using: &random))] = .some(isRemoval ? nil : value)
      }
      let list = changes.map { (key: $0.key, value: $0.value) }
      #expect(tree.update(list) == list.map { model[$0.key] })
      for (key, value) in changes { model[key] = value }
      for number in 0..<60 { #expect(tree[key(number)] == model[key(number)]) }
      let leaves = model.map { (SHA256.hash($0.key), $0.value) }
      #expect(tree.root == root(of: Dictionary(uniqueKeysWithValues: leaves)))
    }
    tree.update(model.map { ($0.key, nil) })
    #expect(tree.root == .zero)
  }

  /// Computed by hand with another implementation of SHA-256.
  @Test("The root of three items is what it has always been")
  func vector() {
    let tree = MerkleTree(list: [Array("a".utf8), Array("b".utf8), Array("c".utf8)])
    #expect(tree.root.hex == "58810aa94168b022bc11d6f33cb0476cbca0a68dacdc99a36cc452f80713355b")
  }

  @Test("Each key is shown to have its value, each other to have none, and to a stranger nothing")
  func proofs() throws {
    for count in [0, 1, 2, 3, 40] {
      var tree = MerkleTree()
      tree.update((0..<count).map { (key($0), [UInt8($0)]) })
      for number in 0..<60 {
        let proof = tree.proof(of: key(number))
        #expect(try MerkleProof(proof.bytes) == proof)
        let value = try proof.value(of: key(number), under: tree.root)
        #expect(value == (number < count ? [UInt8(number)] : nil))
        #expect(throws: Rejection.wrongProof) {
          try proof.value(of: key(number), under: SHA256.hash([1]))
        }
      }
    }
  }

  @Test("A proof that was changed anywhere shows nothing, or still the truth")
  func forgery() throws {
    var tree = MerkleTree()
    tree.update((0..<40).map { (key($0), [UInt8($0)]) })
    for number in [3, 50] {
      let bytes = tree.proof(of: key(number)).bytes
      let truth: [UInt8]? = number < 40 ? [UInt8(number)] : nil
      for index in bytes.indices {
        for bit in 0..<8 {
          var forged = bytes
          forged[index] ^= 1 << UInt8(bit)
          guard let proof = try? MerkleProof(forged),
            let value = try? proof.value(of: key(number), under: tree.root)
          else { continue }
          #expect(value == truth)
        }
      }
    }
  }

  @Test("A key that is there is not shown to be absent by the way to another")
  func otherWay() throws {
    var tree = MerkleTree()
    tree.update((0..<40).map { (key($0), [UInt8($0)]) })
    for number in 0..<40 {
      for other in 0..<60 {
        let proof = tree.proof(of: key(other))
        let value = try? proof.value(of: key(number), under: tree.root)
        #expect(value == nil || value == [UInt8(number)])
        // Absence is an answer too: it must not be given.
        do throws(Rejection) {
          #expect(try proof.value(of: key(number), under: tree.root) != nil)
        } catch {
          #expect(error == .wrongProof)
        }
      }
    }
  }

  @Test("No branch passes for a leaf: its bytes as a value make another hash")
  func domains() throws {
    var tree = MerkleTree()
    tree.update([(key(1), [1]), (key(2), [2])])
    let proof = tree.proof(of: key(1))
    let (leaf, step) = (try #require(proof.leaf), try #require(proof.steps.first))
    for hashes in [[leaf.hash, step.sibling], [step.sibling, leaf.hash]] {
      let forged = MerkleProof.Leaf(path: hashes[0], value: hashes[1].bytes)
      #expect(forged.hash != tree.root)
    }
  }
}
