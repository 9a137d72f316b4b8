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
