/// Cuts a byte stream into frames: a header of fixed size, and a body whose length it tells.
///
/// Pure. A header is judged as soon as it is complete, before anything is kept for its body: a
/// peer that announces too much, or is no peer of ours, costs `headerSize` bytes. Take all frames
/// after each `append`, and no more than one chunk and one frame is ever held.
public struct FrameReader<Header: Sendable, Failure: Error>: Sendable {
  public struct Frame: Sendable {
    public let header: Header
    public let body: [UInt8]
  }

  private let headerSize: Int
  private let bodyMax: Int
  private let parse: @Sendable ([UInt8]) throws(Failure) -> (header: Header, bodySize: Int)
  private let tooLong: @Sendable (_ bodySize: Int) -> Failure

  private var buffer: [UInt8] = []
  private var offset = 0
  private var current: (header: Header, bodySize: Int)?

  /// Describes the framing.
  ///
  /// - Parameters:
  ///   - headerSize: bytes of a header, at least 1.
  ///   - bodyMax: bytes of the largest body there is.
  ///   - tooLong: the error for a body beyond that, or negative.
  ///   - parse: reads a header of exactly `headerSize` bytes, or throws if it is none.
  public init(
    headerSize: Int,
    bodyMax: Int,
    tooLong: @escaping @Sendable (_ bodySize: Int) -> Failure,
    parse: @escaping @Sendable ([UInt8]) throws(Failure) -> (header: Header, bodySize: Int)
  ) {
    precondition(headerSize > 0)
    precondition(bodyMax >= 0)
    self.headerSize = headerSize
    self.bodyMax = bodyMax
    self.parse = parse
    self.tooLong = tooLong
  }

  /// Bytes held that are no complete frame yet.
  public var buffered: Int { buffer.count - offset }

  public mutating func append(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { buffer.append(contentsOf: $0) }
  }

  public mutating func append(_ bytes: [UInt8]) {
    buffer.append(contentsOf: bytes)
  }

  /// The next complete frame, nil if more bytes are needed.
  ///
  /// - Throws: what `parse` and `tooLong` say of a bad header. The stream cannot be read on from
  ///   there: the same error comes again.
  public mutating func next() throws(Failure) -> Frame? {
    if current == nil {
      guard buffered >= headerSize else {
        compact()
        return nil
      }
      let parsed = try parse([UInt8](buffer[offset..<offset + headerSize]))
      guard parsed.bodySize >= 0, parsed.bodySize <= bodyMax else {
        throw tooLong(parsed.bodySize)
      }
      offset += headerSize
      current = parsed
    }
    guard let (header, bodySize) = current, buffered >= bodySize else {
      compact()
      return nil
    }
    let body = [UInt8](buffer[offset..<offset + bodySize])
    offset += bodySize
    current = nil
    return Frame(header: header, body: body)
  }

  /// Drops what was read; an idle reader holds no memory.
  private mutating func compact() {
    if buffered == 0 {
      buffer = []
    } else if offset > 0 {
      buffer.removeFirst(offset)
    }
    offset = 0
  }
}
