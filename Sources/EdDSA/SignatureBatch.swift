import CSodium
import Curve25519
import Kernel

/// Ed25519 signatures that are verified together, at less than half the price of one by one.
///
/// One random-weighted equation stands for all (Bernstein, Duif, Lange, Schwabe, Yang 2011,
/// section 5; with the cofactor, as ZIP-215 says):
///
///     8·((Σ zᵢ·sᵢ)·B - Σ zᵢ·Rᵢ - Σ (zᵢ·kᵢ)·Aᵢ) = 0,   zᵢ random of 128 bits
///
/// Valid signatures always satisfy it. If one is not valid, at most one value of its weight in 2^128
/// does: the weights must be unknown to whoever made the signatures. When it fails, halves are
/// tried, down to single signatures, so the answer for each is that of `Ed25519.isValid`.
public struct SignatureBatch: Sendable {
  /// Signatures in one equation.
  ///
  /// Gains flatten out beyond; the tables of an equation, 2.5 KiB a signature, then still fit the
  /// second-level cache.
  static let equationMax = 128

  /// A failed group of this size or smaller is checked one by one.
  ///
  /// Smaller groups cost more than half of single checks each, and would mostly fail too.
  private static let bisectionMin = 4

  /// Nil where s was out of range.
  private var claims: [SignatureClaim?] = []

  public init(capacity: Int = 0) {
    claims.reserveCapacity(capacity)
  }

  public var count: Int { claims.count }

  public var isEmpty: Bool { claims.isEmpty }

  /// Adds a signature; it is hashed at once and the message is not kept.
  public mutating func append(
    _ signature: Signature,
    of message: [UInt8],
    by key: PublicKey
  ) {
    claims.append(SignatureClaim(signature, of: message, by: key))
  }

  /// Whether each is valid, in the order of their appending.
  ///
  /// - Parameter generator: gives 32 bytes for each 128 signatures, from which the weights are
  ///   made. It must be unpredictable to the signers; a seeded one is for simulations and tests.
  /// - Returns: for each signature what `Ed25519.isValid` says of it, except with probability
  ///   2^-128. Without invalid signatures the cost is one equation for each 128; with one, two or
  ///   three of them; with invalid ones only, three times that of checking one by one.
  public func verify(using generator: inout some RandomNumberGenerator) -> [Bool] {
    var valid = [Bool](repeating: false, count: claims.count)
    for start in stride(from: 0, to: claims.count, by: Self.equationMax) {
      let range = start..<min(start + Self.equationMax, claims.count)
      let terms = Self.terms(of: claims[range], using: &generator)
      Self.settle(terms[...], in: &valid)
    }
    return valid
  }

  /// A signature whose points are decoded and whose weight is drawn.
  private struct Term {
    let index: Int
    let claim: SignatureClaim
    let a: EdwardsPoint
    let r: EdwardsPoint
    let weight: Scalar
  }

  /// Those with A and R on the curve; the others are invalid by rule.
  private static func terms(
    of claims: ArraySlice<SignatureClaim?>,
    using generator: inout some RandomNumberGenerator
  ) -> [Term] {
    let weights = weights(count: claims.count, using: &generator)
    // Every R, and every key once.
    var encodings = claims.compactMap { $0?.r }
    var places: [PublicKey: Int] = [:]  // for lookup only; its order is never used
    for case let claim? in claims where places[claim.key] == nil {
      places[claim.key] = encodings.count
      encodings.append(Encoding32(claim.key.bytes))
    }
    let points = EdwardsPoint.decoded(zip215: encodings)
    var terms: [Term] = []
    terms.reserveCapacity(claims.count)
    var next = 0
    for (index, weight) in zip(claims.indices, weights) {
      guard let claim = claims[index], let place = places[claim.key] else { continue }
      defer { next += 1 }
      guard let r = points[next], let a = points[place] else { continue }
      terms.append(Term(index: index, claim: claim, a: a, r: r, weight: weight))
    }
    return terms
  }

  /// 128 bits each, of ChaCha20 keyed by the generator: it may be slow to ask.
  private static func weights(
    count: Int,
    using generator: inout some RandomNumberGenerator
  ) -> [Scalar] {
    let seed = Bytes32(
      words: (generator.next(), generator.next(), generator.next(), generator.next())
    )
    return withUnsafeTemporaryAllocation(byteCount: 16 * count, alignment: 16) { stream in
      seed.withUnsafeBytes { seed in
        randombytes_buf_deterministic(
          stream.start,
          stream.count,
          seed.start
        )
      }
      return (0..<count).map { index in
        Scalar(UInt128(littleEndian: stream.load(fromByteOffset: 16 * index, as: UInt128.self)))
      }
    }
  }

  /// Marks the valid ones.
  ///
  /// - Parameters:
  ///   - terms: one group of one equation.
  ///   - isFailing: whether one is known to be invalid, because the other half of a failed group was
  ///     found valid: then the equation of all need not be tried.
  ///   - valid: by index in the batch.
  /// - Returns: whether all are valid.
  @discardableResult
  private static func settle(
    _ terms: ArraySlice<Term>,
    isFailing: Bool = false,
    in valid: inout [Bool]
  ) -> Bool {
    if !isFailing, terms.count > 1, isSatisfied(by: terms) {
      for term in terms { valid[term.index] = true }
      return true
    }
    if terms.count <= bisectionMin {
      for term in terms {
        valid[term.index] = Ed25519.isValid(
          s: term.claim.s,
          r: term.r,
          k: term.claim.k,
          a: term.a
        )
      }
      return terms.allSatisfy { valid[$0.index] }
    }
    let middle = terms.startIndex + terms.count / 2
    let isFirstHalfValid = settle(terms[..<middle], in: &valid)
    settle(terms[middle...], isFailing: isFirstHalfValid, in: &valid)
    return false
  }

  /// The equation above.
  ///
  /// Signatures by one key share its term: votes come by the hundred from one representative.
  private static func isSatisfied(by terms: ArraySlice<Term>) -> Bool {
    var s = Scalar.zero
    var products: [(scalar: Scalar, point: EdwardsPoint)] = []
    products.reserveCapacity(2 * terms.count)
    // For lookup only; its order is never used.
    var places: [PublicKey: Int] = [:]
    for term in terms {
      s = s + term.weight * term.claim.s
      products.append((-term.weight, term.r))
      let share = -(term.weight * term.claim.k)
      if let place = places[term.claim.key] {
        products[place].scalar = products[place].scalar + share
      } else {
        places[term.claim.key] = products.count
        products.append((share, term.a))
      }
    }
    return EdwardsPoint.multiscalarVartime(products, basepoint: s).isSmallOrder
  }
}
