import HTTP
import Kernel
import Testing

@Suite("HTTP requests")
struct HTTPRequestParserTests {
  private static let remote = SocketAddress(.loopbackV4, port: 1)

  /// What came out of a parser: requests in short form, and the failure if one ended it.
  private struct Outcome: Equatable {
    var requests: [String] = []
    var failure: HTTPParseFailure?
  }

  private func makeParser() -> HTTPRequestParser {
    var limits = HTTPMessageLimits(bodyMax: 50)
    limits.lineMax = 40
    limits.fieldBytesMax = 200
    limits.fieldsMax = 5
    return HTTPRequestParser(limits: limits, remote: Self.remote)
  }

  private func parse(_ pieces: [ArraySlice<UInt8>]) -> Outcome {
    var parser = makeParser()
    var outcome = Outcome()
    for piece in pieces {
      parser.append(Array(piece))
      do throws(HTTPParseFailure) {
        while let event = try parser.next() {
          guard case .request(let request) = event else { continue }
          let fields = request.fields.all.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
          outcome.requests.append(
            "\(request.method) \(request.path) \(request.query ?? "-") \(fields) \(request.body)"
          )
        }
      } catch {
        outcome.failure = error
        return outcome
      }
    }
    return outcome
  }

  private func parse(_ text: String) -> Outcome { parse([Array(text.utf8)[...]]) }

  @Test("A request is read field by field")
  func whole() {
    let outcome = parse(
      "POST /a/b?c=d?e HTTP/1.1\r\nHost: x\r\nX-A: \t b c\t\r\ncontent-length: 3\r\n\r\nxyz"
    )
    #expect(outcome.failure == nil)
    #expect(outcome.requests == ["post /a/b c=d?e host=x&x-a=b c&content-length=3 [120, 121, 122]"])
  }

  @Test("Requests are the same however the stream is torn")
  func torn() {
    let text =
      "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /p HTTP/1.1\r\nhost: b\r\ncontent-length: 4\r\n\r\n\r\n\r\n"
      + "HEAD /q? HTTP/1.1\r\nhost:\r\n\r\n"
    let bytes = Array(text.utf8)
    let expected = parse(text)
    #expect(expected.requests.count == 3)
    #expect(expected.failure == nil)
    for first in bytes.indices {
      #expect(parse([bytes[..<first], bytes[first...]]) == expected)
      for second in stride(from: first, to: bytes.count, by: 7) {
        #expect(parse([bytes[..<first], bytes[first..<second], bytes[second...]]) == expected)
      }
    }
    #expect(parse(bytes.indices.map { bytes[$0...$0] }) == expected)
  }

  @Test(
    "What two readers could read in two ways is refused",
    arguments: [
      // Line ends and folding.
      "GET / HTTP/1.1\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\n\n", "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\n\tfolded\r\n\r\n", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
      // Request line.
      "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
      " GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /\r\nHost: x\r\n\r\n",
      "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n",
      "G(T / HTTP/1.1\r\nHost: x\r\n\r\n", "GET x HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET http://a/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /\u{e9} HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /\u{0} HTTP/1.1\r\nHost: x\r\n\r\n", "GET / http/1.1\r\nHost: x\r\n\r\n",
      "GET / HTTP/1.10\r\nHost: x\r\n\r\n", "GET / HTTP/11\r\nHost: x\r\n\r\n",
      // Fields.
      "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\n: x\r\nHost: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost\r\n\r\n", "GET / HTTP/1.1\r\nHo st: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA: \u{1}\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA: \u{7f}\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA: \u{e9}\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\n\u{e9}: a\r\n\r\n",
      // Host.
      "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
      // Body length.
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\na",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\na",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1 1\r\n\r\na",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\na",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\na",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: a\r\nTransfer-Encoding: b\r\n\r\n",
    ]
  )
  func malformed(text: String) {
    let outcome = parse(text)
    #expect(outcome.requests.isEmpty)
    #expect(outcome.failure?.status == 400, "\(outcome)")
  }

  @Test(
    "Each other refusal has its status",
    arguments: [
      ("GET / HTTP/1.0\r\nHost: x\r\n\r\n", 505), ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
      ("PUT / HTTP/1.1\r\nHost: x\r\n\r\n", 501), ("get / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
      ("OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
      ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
      ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 51\r\n\r\n", 413),
      ("POST / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\n\r\n", 417),
      ("GET /" + String(repeating: "a", count: 40), 414),
      ("GET /" + String(repeating: "a", count: 40) + " HTTP/1.1\r\n", 414),
      ("GET / HTTP/1.1\r\nHost: " + String(repeating: "a", count: 200), 431),
      ("GET / HTTP/1.1\r\nHost: x\r\n" + String(repeating: "a: b\r\n", count: 5) + "\r\n", 431),
    ]
  )
  func refusals(text: String, status: Int) {
    #expect(parse(text).failure?.status == status)
  }

  @Test("A failure is final, and requests before it stand")
  func final() throws {
    var parser = makeParser()
    parser.append(
      Array("GET / HTTP/1.1\r\nHost: x\r\n\r\nBAD\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
    )
    #expect(try parser.next() != nil)
    #expect(throws: HTTPParseFailure.self) { try parser.next() }
    parser.append(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
    #expect(throws: HTTPParseFailure.self) { try parser.next() }
  }

  @Test("An expectation is told once, and not if the body is there already")
  func expectation() throws {
    let head = Array(
      "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-Continue\r\ncontent-length: 2\r\n\r\n".utf8
    )
    var parser = makeParser()
    #expect(parser.stage == .idle)
    parser.append(head)
    guard case .announcesBody(2) = try parser.next(), case .expectsContinue = try parser.next()
    else {
      Issue.record("no word of the expectation")
      return
    }
    #expect(parser.stage == .body)
    #expect(try parser.next() == nil)
    parser.append([1, 2] as [UInt8])
    guard case .request = try parser.next() else {
      Issue.record("no request")
      return
    }
    #expect(parser.stage == .idle)
    parser.append(head + [1, 2])
    guard case .announcesBody(2) = try parser.next(), case .request = try parser.next() else {
      Issue.record("no request")
      return
    }
  }

  @Test("Mutated requests never trap, and read the same whole and torn", arguments: 0..<20)
  func fuzz(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let seeds = [
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST /p?q HTTP/1.1\r\nhost: b\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\nabcd",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ].map { Array($0.utf8) }
    let alphabet = Array("\r\n\t :;,/?0123456789abGETHOS\u{0}\u{ff}".utf8)
    for _ in 0..<500 {
      var bytes: [UInt8] = []
      for _ in 0...Int.random(in: 0..<3, using: &random) {
        bytes += seeds[Int.random(in: 0..<seeds.count, using: &random)]
      }
      for _ in 0..<Int.random(in: 0..<4, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
        switch UInt8.random(in: 0..<3, using: &random) {
        case 0: bytes[index] = byte
        case 1: bytes.insert(byte, at: index)
        default: bytes.removeSubrange(index..<min(bytes.count, index + 3))
        }
        if bytes.isEmpty { bytes = [0] }
      }
      let whole = parse([bytes[...]])
      #expect(parse(bytes.indices.map { bytes[$0...$0] }) == whole)
    }
  }

  @Test("A body is announced before it is there, and before the client is told to send it")
  func announcement() throws {
    var parser = makeParser()
    parser.append(
      Array("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n".utf8)
    )
    var seen: [String] = []
    for piece in ["", "a", "bcGET / HTTP/1.1\r\nhost: x\r\n\r\n"] {
      parser.append(Array(piece.utf8))
      while let event = try parser.next() {
        switch event {
        case .announcesBody(let length): seen.append("announces \(length)")
        case .expectsContinue: seen.append("expects")
        case .request(let request): seen.append("\(request.method) \(request.body.count)")
        }
        #expect(seen.count < 2 || seen[0] == "announces 3")
      }
      seen.append("more")
    }
    #expect(seen == ["announces 3", "expects", "more", "more", "post 3", "get 0", "more"])
  }
}

@Suite("HTTP responses")
struct HTTPResponseParserTests {
  private func parse(
    _ text: String,
    to method: HTTPMethod = .get,
    torn: Bool = false
  ) throws(HTTPParseFailure) -> [HTTPResponse] {
    var limits = HTTPMessageLimits(bodyMax: 20)
    limits.lineMax = 40
    var parser = HTTPResponseParser(limits: limits)
    parser.expectResponse(to: method)
    var responses: [HTTPResponse] = []
    let bytes = Array(text.utf8)
    for piece in torn ? bytes.map({ [$0] }) : [bytes] {
      parser.append(piece)
      while let response = try parser.next() { responses.append(response) }
    }
    if let last = try parser.finish() { responses.append(last) }
    return responses
  }

  @Test(
    "Bodies by length, by chunks and by the end are read, whole and torn",
    arguments: [
      ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", ["abc"]),
      ("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", [""]),
      (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nt: u\r\n\r\n",
        ["abc"]
      ),
      ("HTTP/1.1 200 OK\r\n\r\nabc", ["abc"]),
      ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na", ["a"]),
      ("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na", ["", "a"]),
    ]
  )
  func bodies(text: String, expected: [String]) throws {
    #expect(try parse(text).map { String(decoding: $0.body, as: UTF8.self) } == expected)
    #expect(try parse(text, torn: true) == parse(text))
  }

  @Test("The response to HEAD ends with its fields")
  func head() throws {
    let responses = try parse("HTTP/1.1 200 OK\r\ncontent-length: 300\r\n\r\n", to: .head)
    #expect(responses.count == 1)
    #expect(responses.first?.fields["content-length"] == "300")
  }

  @Test(
    "A response that is broken, cut off or too large is refused",
    arguments: [
      "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "hello\r\n\r\n",
      "HTTP/1.1 600 OK\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n15\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "a", count: 21), "HTTP/1.1 200 OK\r\n",
      String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 9),
    ]
  )
  func refused(text: String) {
    #expect(throws: HTTPParseFailure.self) { try parse(text) }
    #expect(throws: HTTPParseFailure.self) { try parse(text, torn: true) }
  }

  @Test("Text from outside cannot add a field or end the head")
  func injection() {
    let fields: HTTPFields = ["x-echo": "a\r\nset-cookie: b\u{e9}"]
    #expect(fields["x-echo"] == "a??set-cookie: b??")
  }
}
