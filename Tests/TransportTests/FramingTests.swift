import Glibc
import Kernel
import Testing

@testable import Transport

/// Frames of the tests: magic 'F', body length as one byte.
private enum BadFrame: Error, Equatable {
  case magic(UInt8)
  case tooLong(Int)
}

private func makeReader() -> FrameReader<UInt8, BadFrame> {
  FrameReader(headerSize: 2, bodyMax: 100, tooLong: { .tooLong($0) }) {
    header throws(BadFrame) in
    guard header[0] == UInt8(ascii: "F") else { throw .magic(header[0]) }
    return (header[1], bodySize: Int(header[1]))
  }
}

@Suite("Frames")
struct FrameReaderTests {
  @Test("Frames are the same however the stream is torn")
  func torn() throws {
    let stream: [UInt8] = [70, 3, 1, 2, 3, 70, 0, 70, 1, 9]
    for first in 0...stream.count {
      for second in first...stream.count {
        var reader = makeReader()
        var bodies: [[UInt8]] = []
        for piece in [stream[..<first], stream[first..<second], stream[second...]] {
          reader.append(Array(piece))
          while let frame = try reader.next() {
            #expect(Int(frame.header) == frame.body.count)
            bodies.append(frame.body)
          }
        }
        #expect(bodies == [[1, 2, 3], [], [9]])
        #expect(reader.buffered == 0)
      }
    }
  }

  @Test("A bad header is refused as soon as it is complete, and for good")
  func badHeader() throws {
    var reader = makeReader()
    reader.append([71])
    #expect(try reader.next()?.body == nil)
    reader.append([1])
    #expect(throws: BadFrame.magic(71)) { try reader.next() }
    reader.append([70, 0])
    #expect(throws: BadFrame.magic(71)) { try reader.next() }
  }

  @Test("A body over the limit is refused before it comes")
  func tooLong() {
    var reader = makeReader()
    reader.append([70, 101])
    #expect(throws: BadFrame.tooLong(101)) { try reader.next() }
  }

  @Test("Random bytes never trap and never make it hold more than one frame")
  func fuzz() {
    var random = SplitMix64(seed: 7)
    for _ in 0..<2000 {
      var reader = makeReader()
      for _ in 0..<20 {
        let size = Int.random(in: 0..<8, using: &random)
        // Biased to the magic byte, to get past the header often.
        reader.append(
          (0..<size).map { _ in
            Bool.random(using: &random) ? 70 : .random(in: 0...255, using: &random)
          }
        )
        do {
          while try reader.next() != nil {}
        } catch {
          break
        }
        #expect(reader.buffered < 102)
      }
    }
  }
}

@Suite("Outbound queue")
struct OutboundQueueTests {
  @Test("Bytes leave in order whatever is appended and however much is taken")
  func order() {
    var random = SplitMix64(seed: 3)
    for _ in 0..<200 {
      var queue = OutboundQueue()
      var expected: [UInt8] = []
      var written: [UInt8] = []
      for _ in 0..<100 {
        if Bool.random(using: &random) {
          let isLarge = UInt8.random(in: 0..<10, using: &random) == 0
          let size = Int.random(in: 0..<(isLarge ? 40_000 : 200), using: &random)
          let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &+ expected.count) }
          queue.append(bytes)
          expected += bytes
        } else {
          let space = Int.random(in: 0..<20_000, using: &random)
          let taken = queue.write { Self.take(space, of: $0, into: &written) }
          #expect(taken <= space)
        }
        #expect(queue.count == expected.count - written.count)
        #expect(queue.isEmpty == (queue.count == 0))
      }
      while !queue.isEmpty { _ = queue.write { Self.take(.max, of: $0, into: &written) } }
      #expect(written == expected)
    }
  }

  @Test("A refused write changes nothing")
  func refused() {
    var queue = OutboundQueue()
    queue.append([1, 2, 3])
    #expect(queue.write { _ in -Int(EAGAIN) } == -Int(EAGAIN))
    #expect(queue.count == 3)
  }

  private static func take(_ space: Int, of pieces: [iovec], into bytes: inout [UInt8]) -> Int {
    var left = space
    for piece in pieces {
      let count = min(left, piece.iov_len)
      bytes += UnsafeRawBufferPointer(start: piece.iov_base, count: count)
      left -= count
    }
    return space - left
  }
}
