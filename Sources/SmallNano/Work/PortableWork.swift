import CKernels
import Kernel

/// The work value in plain Swift: BLAKE2b (RFC 7693) of one block with an 8-byte digest.
///
/// 40 bytes need one compression, of which only the first word is read. Message words 5...15 are
/// zero; passing them as a constant to functions that are always inlined leaves their additions
/// out.
struct PortableWork {
  private let root: (UInt64, UInt64, UInt64, UInt64)

  init(root: Bytes32) {
    self.root = root.words
  }

  func search(threshold: UInt64, from first: UInt64, count: UInt64) -> UInt64? {
    var nonce = first
    for _ in 0..<count {
      if value(of: nonce) >= threshold { return nonce }
      nonce &+= 1
    }
    return nil
  }

  @inline(__always)
  func value(of nonce: UInt64) -> UInt64 {
    let m0 = nonce
    let m1 = root.0
    let m2 = root.1
    let m3 = root.2
    let m4 = root.3
    let z: UInt64 = 0
    var v = CompressionState()
    v.round(m0, m1, m2, m3, m4, z, z, z, z, z, z, z, z, z, z, z)
    v.round(z, z, m4, z, z, z, z, z, m1, z, m0, m2, z, z, z, m3)
    v.round(z, z, z, m0, z, m2, z, z, z, z, m3, z, z, m1, z, m4)
    v.round(z, z, m3, m1, z, z, z, z, m2, z, z, z, m4, m0, z, z)
    v.round(z, m0, z, z, m2, m4, z, z, z, m1, z, z, z, z, m3, z)
    v.round(m2, z, z, z, m0, z, z, m3, m4, z, z, z, z, z, m1, z)
    v.round(z, z, m1, z, z, z, m4, z, m0, z, z, m3, z, m2, z, z)
    v.round(z, z, z, z, z, m1, m3, z, z, m0, z, m4, z, z, m2, z)
    v.round(z, z, z, z, z, m3, m0, z, z, m2, z, z, m1, m4, z, z)
    v.round(z, m2, z, m4, z, z, m1, z, z, z, z, z, m3, z, z, m0)
    v.round(m0, m1, m2, m3, m4, z, z, z, z, z, z, z, z, z, z, z)
    v.round(z, z, m4, z, z, z, z, z, m1, z, m0, m2, z, z, z, m3)
    return CompressionState.h0 ^ v.v0 ^ v.v8
  }
}

/// The sixteen working words of a compression.
private struct CompressionState {
  /// The first word of the initial vector, for a digest of 8 bytes, no key, fan-out and depth 1.
  static let h0: UInt64 = 0x6a09_e667_f3bc_c908 ^ 0x0101_0008

  var v0 = Self.h0
  var v1: UInt64 = 0xbb67_ae85_84ca_a73b
  var v2: UInt64 = 0x3c6e_f372_fe94_f82b
  var v3: UInt64 = 0xa54f_f53a_5f1d_36f1
  var v4: UInt64 = 0x510e_527f_ade6_82d1
  var v5: UInt64 = 0x9b05_688c_2b3e_6c1f
  var v6: UInt64 = 0x1f83_d9ab_fb41_bd6b
  var v7: UInt64 = 0x5be0_cd19_137e_2179
  var v8: UInt64 = 0x6a09_e667_f3bc_c908
  var v9: UInt64 = 0xbb67_ae85_84ca_a73b
  var v10: UInt64 = 0x3c6e_f372_fe94_f82b
  var v11: UInt64 = 0xa54f_f53a_5f1d_36f1
  var v12: UInt64 = 0x510e_527f_ade6_82d1 ^ 40  // bytes hashed
  var v13: UInt64 = 0x9b05_688c_2b3e_6c1f
  var v14: UInt64 = ~0x1f83_d9ab_fb41_bd6b  // the last block
  var v15: UInt64 = 0x5be0_cd19_137e_2179

  // One row of the table in RFC 7693, section 2.7.
  // swift-format-ignore
  @inline(__always)
  mutating func round(
    _ s0: UInt64, _ s1: UInt64, _ s2: UInt64, _ s3: UInt64,
    _ s4: UInt64, _ s5: UInt64, _ s6: UInt64, _ s7: UInt64,
    _ s8: UInt64, _ s9: UInt64, _ s10: UInt64, _ s11: UInt64,
    _ s12: UInt64, _ s13: UInt64, _ s14: UInt64, _ s15: UInt64
  ) {
    Self.mix(&v0, &v4, &v8, &v12, s0, s1)
    Self.mix(&v1, &v5, &v9, &v13, s2, s3)
    Self.mix(&v2, &v6, &v10, &v14, s4, s5)
    Self.mix(&v3, &v7, &v11, &v15, s6, s7)
    Self.mix(&v0, &v5, &v10, &v15, s8, s9)
    Self.mix(&v1, &v6, &v11, &v12, s10, s11)
    Self.mix(&v2, &v7, &v8, &v13, s12, s13)
    Self.mix(&v3, &v4, &v9, &v14, s14, s15)
  }

  // G of RFC 7693, section 3.1.
  // swift-format-ignore
  @inline(__always)
  private static func mix(
    _ a: inout UInt64, _ b: inout UInt64, _ c: inout UInt64, _ d: inout UInt64,
    _ x: UInt64, _ y: UInt64
  ) {
    a = a &+ b &+ x
    d = rotate(d ^ a, 32)
    c = c &+ d
    b = rotate(b ^ c, 24)
    a = a &+ b &+ y
    d = rotate(d ^ a, 16)
    c = c &+ d
    b = trellis_scalar(rotate(b ^ c, 63))
  }

  @inline(__always)
  private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 {
    word &>> count | word &<< (64 &- count)
  }
}
