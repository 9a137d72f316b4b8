import Glibc

/// Bytes that wait to be sent, in few and large pieces.
struct OutboundQueue {
  /// Small messages are gathered into pieces of this size; a larger one is kept as it is, uncopied.
  private static let pieceSize = 16 * 1024
  /// Pieces given to the kernel in one call.
  private static let piecesPerWrite = 8

  private var pieces: [[UInt8]] = []
  /// Pieces before this one have been sent whole, and of this one `sent` bytes.
  private var head = 0
  private var sent = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    count += bytes.count
    if pieces.count > head, let last = pieces.last, last.count + bytes.count <= Self.pieceSize {
      pieces[pieces.count - 1].append(contentsOf: bytes)
    } else {
      pieces.append(bytes)
    }
  }

  /// Offers the first pieces to `write`, which answers how many bytes it took or a negated error.
  mutating func write(with write: (inout [iovec]) -> Int) -> Int {
    var vectors: [iovec] = []
    let end = min(pieces.count, head + Self.piecesPerWrite)
    let taken = Self.withVectors(pieces[head..<end], skipping: sent, &vectors, write)
    if taken > 0 { advance(by: taken) }
    return taken
  }

  mutating func removeAll() {
    self = OutboundQueue()
  }

  /// Pins one piece a level of recursion: their addresses hold until `body` returns.
  private static func withVectors(
    _ pieces: ArraySlice<[UInt8]>,
    skipping sent: Int,
    _ vectors: inout [iovec],
    _ body: (inout [iovec]) -> Int
  ) -> Int {
    guard let first = pieces.first else { return body(&vectors) }
    return first.withUnsafeBytes { bytes in
      let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
      vectors.append(
        iovec(iov_base: UnsafeMutableRawPointer(mutating: rest.baseAddress), iov_len: rest.count)
      )
      return withVectors(pieces.dropFirst(), skipping: 0, &vectors, body)
    }
  }

  private mutating func advance(by taken: Int) {
    count -= taken
    if count == 0 { return removeAll() }
    sent += taken
    while sent >= pieces[head].count {
      sent -= pieces[head].count
      pieces[head] = []
      head += 1
    }
    // Sent places are dropped once they are half: O(1) a piece.
    if head * 2 >= pieces.count {
      pieces.removeFirst(head)
      head = 0
    }
  }
}
