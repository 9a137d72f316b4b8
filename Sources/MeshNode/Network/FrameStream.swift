import EventLoop
import Kernel
import Mesh
import QUIC
import Transport

/// Cuts what comes on a stream into frames, for the control stream and for answers.
///
/// Its owner takes each frame when it comes; while the owner says so, nothing more is read.
final class FrameStream: ConnectionHandler {
  enum Happening {
    case frame(Frame, size: Int)
    /// The other end has finished its direction.
    case finished
    case failed(FrameFailure)
    /// Its last word.
    case closed(CloseReason)
  }

  let stream: QUICStream
  private var reader: FrameReader<UInt8, FrameFailure>
  private var tell: ((FrameStream, Happening) -> Void)?
  private var isReading = false

  /// Begins to read.
  ///
  /// - Parameters:
  ///   - stream: not started.
  ///   - frameMax: bytes of the largest frame, with its header.
  ///   - tell: told what happens, until `closed`.
  init(
    _ stream: QUICStream,
    frameMax: Int,
    tell: @escaping (FrameStream, Happening) -> Void
  ) {
    self.stream = stream
    self.tell = tell
    reader = FrameReader(
      headerSize: Frame.headerSize,
      bodyMax: frameMax - Frame.headerSize,
      tooLong: { .tooLarge($0) },
      parse: { bytes throws(FrameFailure) in
        let (payload, type) = try Frame.header(bytes)
        return (type, payload)
      }
    )
  }

  func start() {
    stream.start(self)
    readOn()
  }

  /// Asks for more, once what came has been dealt with.
  func readOn() {
    guard !isReading, tell != nil else { return }
    isReading = true
    stream.requestRead()
  }

  /// Bytes of a frame that is not whole yet.
  var isWithinFrame: Bool { reader.buffered > 0 }

  func send(_ frame: [UInt8]) -> Connection.SendResult { stream.send(frame) }

  /// Ends both directions.
  func close(_ reason: String, _ code: CloseCode) {
    tell = nil
    stream.close(.local(reason), code: UInt64(code.rawValue))
  }

  // MARK: From the stream

  func received(_ bytes: RawSpan) {
    isReading = false
    reader.append(bytes)
    var hasTold = false
    do throws(FrameFailure) {
      while tell != nil, let frame = try reader.next() {
        // For a later version: skipped, as this one does not know any.
        if MessageType.experimental.contains(frame.header) { continue }
        let decoded = try Frame(type: frame.header, payload: frame.body)
        hasTold = true
        tell?(self, .frame(decoded, size: Frame.headerSize + frame.body.count))
      }
    } catch {
      return tell?(self, .failed(error)) ?? ()
    }
    // Else the owner says when there is room for more.
    if isWithinFrame || !hasTold { readOn() }
  }

  func remoteFinished() {
    isReading = false
    tell?(self, .finished)
  }

  func drained() {}

  func closed(_ reason: CloseReason) {
    let tell = self.tell
    self.tell = nil
    tell?(self, .closed(reason))
  }
}
