/// Cuts what comes on a stream into lines, with a limit.
struct LineReader {
  private var buffer: [UInt8] = []
  /// Bytes of the buffer that hold no newline.
  private var searched = 0
  private let bytesMax: Int

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  /// Adds what came; false once a line is longer than it may be.
  mutating func append(_ bytes: RawSpan) -> Bool {
    bytes.withUnsafeBytes { buffer.append(contentsOf: $0) }
    return buffer.count <= bytesMax || buffer[searched...].contains(10)
  }

  /// The next whole line, without its newline.
  mutating func next() -> [UInt8]? {
    guard let end = buffer[searched...].firstIndex(of: 10) else {
      searched = buffer.count
      return nil
    }
    let line = Array(buffer[..<end])
    buffer.removeFirst(end + 1)
    searched = 0
    return line
  }
}
