import CNGTCP2

/// The name by which packets find their connection: up to 20 bytes (RFC 9000 §5.1).
///
/// In tables keyed by it an outsider chooses the keys; Swift's hashing is seeded, so he cannot
/// choose them to collide.
struct ConnectionID: Hashable, Sendable {
  private let count: UInt8
  private var words: (UInt64, UInt64, UInt32) = (0, 0, 0)

  /// Bytes of those that are made here: 2^-32 for two of 2^16 connections to be called alike.
  static let ownSize = 8
  static let sizeMax = 20

  /// Nil if there are too many bytes.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count <= Self.sizeMax else { return nil }
    count = UInt8(bytes.count)
    withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes) }
  }

  init(_ id: ngtcp2_cid) {
    count = UInt8(min(id.datalen, Self.sizeMax))
    withUnsafeMutableBytes(of: &words) { words in
      withUnsafeBytes(of: id.data) { words.copyMemory(from: .init(rebasing: $0[..<Int(count)])) }
    }
  }

  /// An unforeseeable one.
  static func random(size: Int = ownSize) -> ConnectionID {
    withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) { bytes in
      Randomness.fill(bytes)
      return ConnectionID(ngtcp2_cid(UnsafeRawBufferPointer(bytes)))
    }
  }

  var engineForm: ngtcp2_cid {
    withUnsafeBytes(of: words) { ngtcp2_cid(UnsafeRawBufferPointer(rebasing: $0[..<Int(count)])) }
  }

  static func == (a: Self, b: Self) -> Bool {
    a.count == b.count && a.words == b.words
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(count)
  }
}

/// What the other end will put at the end of a packet to say that it has forgotten a connection.
///
/// Looked up by hash, so that no comparison tells how much of a guess was right.
struct ResetToken: Hashable, Sendable {
  private var words: (UInt64, UInt64) = (0, 0)

  static let size = 16

  /// The last 16 bytes; nil if there are not as many.
  init?(endOf bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.size else { return nil }
    withUnsafeMutableBytes(of: &words) {
      $0.copyMemory(from: .init(rebasing: bytes[(bytes.count - Self.size)...]))
    }
  }

  static func == (a: Self, b: Self) -> Bool { a.words == b.words }

  func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
  }
}

extension ngtcp2_cid {
  /// At most 20 bytes.
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init()
    ngtcp2_cid_init(&self, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
  }
}

/// Random bytes of the TLS library's generator, which is seeded by the kernel.
enum Randomness {
  static func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    let code = gnutls_rnd(GNUTLS_RND_RANDOM, bytes.baseAddress, bytes.count)
    precondition(code == 0)  // fails only where the kernel has no generator
  }
}
