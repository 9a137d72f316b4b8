public import Curve25519
import Keccak

/// The vector generators G_{j,i}, H_{j,i} of party j and bit i, flat: index 64·j + i.
///
/// 64-byte blocks of SHAKE256("GeneratorsChain" ‖ kind ‖ u32 j) through the one-way map, as in the
/// `bulletproofs` family of implementations.
public enum Generators {
  /// G for the 16 values a proof may have; the first 64·m serve m values.
  public static let g = chain(kind: "G")
  public static let h = chain(kind: "H")

  /// Makes the tables for proofs of up to `values` values now.
  ///
  /// Otherwise the first such proof makes them, and takes tens of milliseconds longer.
  public static func prepare(values: Int = 2) {
    _ = table(values: values)
  }

  /// The first 64·values of each, G_i and H_i in turn, behind the value and the blinding base, for
  /// `multiscalarVartime`.
  ///
  /// Most proofs are of two values at most: a table of 2 MB, where the whole one has 8.
  static func table(values: Int) -> PointTable { values <= 2 ? smallTable : wholeTable }

  /// Where the table has G_i, i ≥ index.
  static func gSlice(from index: Int) -> TableSlice { TableSlice(first: 2 + 2 * index, stride: 2) }

  static func hSlice(from index: Int) -> TableSlice {
    TableSlice(first: hPlace(index), stride: 2)
  }

  static func hPlace(_ index: Int) -> Int { 3 + 2 * index }

  private static let smallTable = makeTable(values: 2, width: 8)
  private static let wholeTable = makeTable(values: RangeProof.valuesMax, width: 7)

  private static func makeTable(values: Int, width: Int) -> PointTable {
    let vectors = (0..<values * RangeProof.bits).flatMap { [g[$0], h[$0]] }
    return PointTable([Pedersen.valueBase, Pedersen.blindingBase] + vectors, width: width)
  }

  private static func chain(kind: String) -> [RistrettoPoint] {
    (0..<RangeProof.valuesMax).flatMap { party in
      let name = Array("GeneratorsChain".utf8) + Array(kind.utf8) + [UInt8(party), 0, 0, 0]
      var chain = SHAKE256(absorbing: name)
      return (0..<RangeProof.bits).map { _ in
        RistrettoPoint(uniform: chain.squeeze(32).asEncoding, chain.squeeze(32).asEncoding)
      }
    }
  }
}
