import Foundation

@testable import Poseidon2

/// Tests/Vectors/poseidon2/koalabear-16.json: constants and a permutation of the public reference.
struct Poseidon2Vectors: Decodable {
  var input: [UInt32]
  var output: [UInt32]
  var diagonal: [UInt32]
  var initial: [[UInt32]]
  var inner: [UInt32]
  var final: [[UInt32]]

  static let shared: Self = {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../Vectors/poseidon2/koalabear-16.json")
    guard let json = try? Data(contentsOf: url),
      let vectors = try? JSONDecoder().decode(Self.self, from: json)
    else { fatalError("no vectors") }
    return vectors
  }()
}

/// The permutation as the paper writes it, matrices and all, over integers modulo p.
struct PlainPoseidon2 {
  static let p = UInt64(KoalaBear.modulus)

  let vectors = Poseidon2Vectors.shared
  let external: [[UInt64]]
  let inner: [[UInt64]]

  init() {
    let diagonal = vectors.diagonal
    let circulant: [UInt64] = [2, 3, 1, 1]
    external = (0..<16).map { row in
      (0..<16).map { column in
        circulant[(column + 16 - row) % 4] * (row / 4 == column / 4 ? 2 : 1)
      }
    }
    inner = (0..<16).map { row in
      (0..<16).map { column in row == column ? 1 + UInt64(diagonal[row]) : 1 }
    }
  }

  func permute(_ input: [UInt64]) -> [UInt64] {
    var state = times(external, input)
    func cube(_ x: UInt64) -> UInt64 { x * x % Self.p * x % Self.p }
    func externalRound(_ constants: [UInt32]) {
      state = zip(state, constants).map { cube(($0 + UInt64($1)) % Self.p) }
      state = times(external, state)
    }
    vectors.initial.forEach(externalRound)
    for constant in vectors.inner {
      state[0] = cube((state[0] + UInt64(constant)) % Self.p)
      state = times(inner, state)
    }
    vectors.final.forEach(externalRound)
    return state
  }

  /// The sponge over elements that are padded already.
  func digest(_ elements: [UInt64]) -> [UInt64] {
    var state = [UInt64](repeating: 0, count: 16)
    for start in stride(from: 0, to: elements.count, by: 8) {
      state.replaceSubrange(0..<8, with: elements[start..<start + 8])
      state = permute(state)
    }
    return Array(state[..<8])
  }

  private func times(_ matrix: [[UInt64]], _ vector: [UInt64]) -> [UInt64] {
    matrix.map { row in zip(row, vector).reduce(0) { ($0 + $1.0 * $1.1) % Self.p } }
  }
}
