/// The kernels held against the Swift beside them, on inputs drawn from any bytes: what a fuzzer calls.
public enum KernelComparison {
  /// Terms of a sum at most: two groups of lanes and some.
  private static let termsMax = 20

  /// What differs first between a path and Swift; nil if nothing does on any path of this processor.
  ///
  /// - Parameter bytes: any; missing ones count as 0.
  /// - Returns: the path and the kernel.
  public static func firstDifference(on bytes: [UInt8]) -> String? {
    var input = Input(bytes: bytes)
    let count = 1 + Int(input.word() % UInt64(termsMax))
    let elements = (0..<count).map { _ in input.element() }
    let others = (0..<count).map { _ in input.element() }
    let scalars = (0..<count).map { _ in input.scalar() }
    let points = (0..<count).map { _ in input.point() }
    let terms = Array(zip(scalars, points))
    let bits = (0..<count).map { _ in input.word() & 1 }
    let table = PointTable(points.map(\.point), width: 4)
    let whole = TableSlice(first: 0, stride: 1)

    for path in ArithmeticPath.available where path != .portable {
      func differs<Value: Equatable>(_ compute: (ArithmeticPath) -> Value) -> Bool {
        compute(path) != compute(.portable)
      }
      if Kernels.products(elements, others, path) != zip(elements, others).map({ $0 * $1 }) {
        return "\(path): products"
      }
      if Kernels.powersForRoot(elements, path) != elements.map({ $0.powerForRoot() }) {
        return "\(path): powers"
      }
      if differs({ RistrettoPoint.multiscalars([terms], path: $0) }) {
        return "\(path): secret sum"
      }
      let halves = [Array(terms[..<(count / 2)]), Array(terms[(count / 2)...])]
      if differs({ RistrettoPoint.multiscalars(halves, path: $0) }) {
        return "\(path): two secret sums"
      }
      if differs({ path in
        EdwardsPoint.strausVartime(
          terms.map { ($0.0, $0.1.point) },
          fixed: Array(scalars.reversed()),
          of: table,
          path: path
        )
      }) {
        return "\(path): Straus"
      }
      if differs({ RistrettoPoint.foldedVartime(points, by: [scalars[0]], path: $0) }) {
        return "\(path): fold"
      }
      if differs({ table.foldedVartime(whole, count: 1, by: scalars, path: $0) }) {
        return "\(path): table's fold"
      }
      if differs({ table.sums(of: [PointChoice(whole, bits[...])], path: $0) }) {
        return "\(path): chosen sum"
      }
    }
    return nil
  }

  private struct Input {
    let bytes: [UInt8]
    var position = 0

    mutating func word() -> UInt64 {
      (0..<8).reduce(0) { word, shift in
        defer { position += 1 }
        let byte = position < bytes.count ? bytes[position] : 0
        return word | UInt64(byte) &<< UInt64(8 * shift)
      }
    }

    /// Any limbs that an operation may leave.
    mutating func element() -> FieldElement {
      FieldElement(limb(), limb(), limb(), limb(), limb())
    }

    private mutating func limb() -> UInt64 {
      word() % (1 << 51 + 1 << 13 + 1)
    }

    mutating func encoding() -> Encoding32 { Encoding32(words: (word(), word(), word(), word())) }

    mutating func scalar() -> Scalar { Scalar(reducing: encoding()) }

    mutating func point() -> RistrettoPoint { RistrettoPoint(uniform: encoding(), encoding()) }
  }
}
