/// Bytes of one stream from `send` until the other end has acknowledged them.
///
/// ngtcp2 keeps pointers to what it has sent, to send it again: pieces stay where they are until
/// acknowledged, or until the stream is gone.
struct SendBuffer: ~Copyable {
  private struct Piece {
    let bytes: UnsafeMutableRawBufferPointer
    /// Where in the stream the piece ends.
    let end: UInt64
  }

  private var pieces: [Piece] = []
  /// Pieces before it are sent; of it, `sentOfNext` bytes.
  private var next = 0
  private var sentOfNext = 0
  private var end: UInt64 = 0
  private var acknowledged: UInt64 = 0
  /// Bytes not handed to the network yet.
  private(set) var unsent = 0

  /// Bytes held.
  var count: Int { Int(end - acknowledged) }

  mutating func append(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    piece.copyBytes(from: bytes)
    end += UInt64(bytes.count)
    unsent += bytes.count
    pieces.append(Piece(bytes: piece, end: end))
  }

  /// What to send next, empty if all is sent, and whether nothing follows it.
  var nextPiece: (bytes: UnsafeRawBufferPointer, isLast: Bool) {
    guard next < pieces.count else { return (UnsafeRawBufferPointer(start: nil, count: 0), true) }
    let rest = UnsafeRawBufferPointer(rebasing: pieces[next].bytes[sentOfNext...])
    return (rest, next == pieces.count - 1)
  }

  mutating func advance(by taken: Int) {
    unsent -= taken
    sentOfNext += taken
    if next < pieces.count, sentOfNext == pieces[next].bytes.count {
      next += 1
      sentOfNext = 0
    }
  }

  mutating func acknowledge(upTo offset: UInt64) {
    acknowledged = max(acknowledged, min(offset, end))
    // A piece that is acknowledged was sent.
    let count = pieces[..<next].prefix { $0.end <= acknowledged }.count
    for piece in pieces[..<count] { piece.bytes.deallocate() }
    pieces.removeFirst(count)
    next -= count
  }

  deinit {
    for piece in pieces { piece.bytes.deallocate() }
  }
}
