import EdDSA
import HTTP
import Kernel
import Service
import Simulation
import SmallNano
import Transport

// The decoders that no system owns: texts, HTTP, framing, signatures.

extension FuzzTargets {
  static let json = FuzzTarget(
    "json",
    seeds: [
      #"{"action":"send","amount":"10000000000000000000000000000000","list":[1,-2.5e3,null,true]}"#,
      #"["\u00e9\ud83d\ude00\n\\","",{"":{}},[[]],0]"#,
    ].map { Array($0.utf8) }
  ) { input in
    guard (try? JSON(parsing: input)) != nil else { return .refused }
    JSON.fuzz(input)  // traps if a written form does not read back equal
    return .accepted
  }

  static let toml = FuzzTarget(
    "toml",
    seeds: [
      "# a comment\nport = 7176 # another\nname = \"a\\tb\\u00e9\"\nlist = [1, 2,\n 3]\n",
      "[table.\"of tables\"]\nliteral = 'C:\\temp'\nyes = true\nhex = 0xff\n",
    ].map { Array($0.utf8) }
  ) { input in
    guard (try? TOML(parsing: input)) != nil else { return .refused }
    TOML.fuzz(input)
    return .accepted
  }

  // MARK: Options

  private enum Flavour: String, CaseIterable, Sendable {
    case plain, salted
  }

  /// One option of every type there is.
  private static let options: [any DeclaredOption] = [
    Option("port", .port, default: 7176, help: "A port"),
    Option("name", .string, default: "a name", help: "A text"),
    Option("flavour", .choice, default: Flavour.plain, help: "A choice"),
    Option("peers", .list(of: .hostPort()), default: [HostPort](), help: "A list"),
    Option("wait", .duration(.zero ... .seconds(60)), default: .seconds(1), help: "A duration"),
    Option("loud", .boolean, default: false, help: "A switch"),
    Option("directory", .optional(.path), default: String?.none, help: "A path or none"),
  ]

  /// A configuration file is refused, or its effective values are written so that they read back.
  static let configFile = FuzzTarget(
    "config-file",
    seeds: [
      Settings(options).renderConfigFile(heading: ["Defaults"]),
      "port = 0\npeers = [\"192.0.2.7:1\", \"[::1]:2\"]\nwait = \"500ms\"\nflavour = \"salted\"\n",
    ].map { Array($0.utf8) }
  ) { input in
    guard let settings = try? Settings(options).applying(file: input, path: "fuzz") else {
      return .refused
    }
    let written = settings.renderConfigFile()
    let back = try? Settings(options).applying(file: Array(written.utf8), path: "fuzz")
    return reads(back?.renderConfigFile() == written)
  }

  /// Words separated by line ends, as `trellis` would be called with them.
  static let commandLine = FuzzTarget(
    "command-line",
    seeds: [
      "simulate\nsmallnano\n--seed\n4\n--seeds=10\n--trace",
      "fuzz\n--cases\n9\n--\njson",
      "--help",
    ].map { Array($0.utf8) }
  ) { input in
    let text = String(decoding: input, as: UTF8.self)
    let words = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    do throws(UsageFailure) {
      try trellis.check(words)
      return .accepted
    } catch {
      return error.description.isEmpty ? .broken("says nothing") : .refused
    }
  }

  // MARK: Streams

  /// A reader of a stream must not see where its pieces end.
  static let httpRequest = FuzzTarget(
    "http-request",
    seeds: [
      "GET /metrics?all=1 HTTP/1.1\r\nhost: localhost\r\n\r\n",
      "POST / HTTP/1.1\r\nhost: [::1]:7177\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n{}"
        + "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    ].map { Array($0.utf8) }
  ) { input in
    let whole = requests(in: [input])
    guard requests(in: pieces(of: input)) == whole else { return .broken("depends on the pieces") }
    return whole.contains { $0.hasPrefix("refused") } || whole.isEmpty ? .refused : .accepted
  }

  private static func requests(in pieces: [[UInt8]]) -> [String] {
    var parser = HTTPRequestParser(
      limits: HTTPMessageLimits(bodyMax: 1 << 16),
      remote: SocketAddress(IPAddress(v4: 0x7f00_0001), port: 1)
    )
    var seen: [String] = []
    for piece in pieces {
      parser.append(piece)
      do throws(HTTPParseFailure) {
        while let event = try parser.next() {
          guard case .request(let request) = event else { continue }
          let query = request.query ?? "none"
          let fields = request.fields.all.map { "\($0.name): \($0.value)" }
          seen.append("\(request.method) \(request.path) \(query) \(fields) \(request.body.hex)")
        }
      } catch {
        return seen + ["refused: \(error)"]
      }
    }
    return seen
  }

  static let httpResponse = FuzzTarget(
    "http-response",
    seeds: [
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n"
        + "3;a=b\r\nabc\r\n0\r\nx: y\r\n\r\n",
    ].map { Array($0.utf8) }
  ) { input in
    let whole = responses(in: [input])
    guard responses(in: pieces(of: input)) == whole else { return .broken("depends on the pieces") }
    return whole.contains { $0.hasPrefix("refused") } || whole.isEmpty ? .refused : .accepted
  }

  private static func responses(in pieces: [[UInt8]]) -> [String] {
    var parser = HTTPResponseParser(limits: HTTPMessageLimits(bodyMax: 1 << 16))
    var seen: [String] = []
    for piece in pieces {
      parser.append(piece)
      do throws(HTTPParseFailure) {
        while let response = try parser.next() {
          let fields = response.fields.all.map { "\($0.name): \($0.value)" }
          seen.append("\(response.status) \(fields) \(response.body.hex)")
        }
      } catch {
        return seen + ["refused: \(error)"]
      }
    }
    return seen
  }

  /// smallnano's frames as they come off a socket.
  static let frameReader = FuzzTarget(
    "frame-reader",
    seeds: [samples.flatMap { $0.frame(on: .dev) }]
  ) { input in
    let whole = frames(in: [input])
    guard frames(in: pieces(of: input)) == whole else { return .broken("depends on the pieces") }
    return whole.contains { $0.hasPrefix("refused") } || whole.isEmpty ? .refused : .accepted
  }

  private static func frames(in pieces: [[UInt8]]) -> [String] {
    var reader = FrameReader<FrameHeader, FrameProblem>(
      headerSize: FrameHeader.size,
      bodyMax: Int(UInt16.max),
      tooLong: { .init(text: "\($0) bytes") },
      parse: { bytes throws(FrameProblem) in
        guard let header = try? FrameHeader(bytes, network: .dev) else {
          throw FrameProblem(text: "no header: \(bytes.hex)")
        }
        return (header, header.bodyLength)
      }
    )
    var seen: [String] = []
    for piece in pieces {
      reader.append(piece)
      do throws(FrameProblem) {
        while let frame = try reader.next() { seen.append(frame.body.hex) }
      } catch {
        return seen + ["refused: \(error.text)"]
      }
    }
    return seen
  }

  private struct FrameProblem: Error {
    let text: String
  }

  /// The input cut into pieces at places that depend on it alone.
  private static func pieces(of input: [UInt8]) -> [[UInt8]] {
    var random = SplitMix64(seed: input.reduce(UInt64(input.count)) { $0 &* 31 &+ UInt64($1) })
    var pieces: [[UInt8]] = []
    var rest = input[...]
    while !rest.isEmpty {
      let count = Int.random(in: 1...max(1, min(rest.count, 40)), using: &random)
      pieces.append(Array(rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    return pieces
  }

  // MARK: Signatures

  /// Key 32 ‖ signature 64 ‖ message: whatever the bytes, one signature alone and in a batch is
  /// judged alike.
  static let ed25519 = FuzzTarget(
    "ed25519",
    seeds: (1...3).map { number in
      let key = sampleKey(UInt64(number))
      let message = [UInt8](repeating: 7, count: number * 20)
      return key.publicKey.bytes.bytes + key.sign(message).bytes.bytes + message
    }
  ) { input in
    guard input.count >= 96, let key = Bytes32(input[..<32]), let half = Bytes64(input[32..<96])
    else { return .refused }
    let message = Array(input[96...])
    let signature = Signature(half)
    let single = Ed25519.isValid(signature, of: message, by: PublicKey(key))
    var random = SplitMix64(seed: UInt64(input.count))
    var batch = SignatureBatch(capacity: 2)
    let other = sampleKey(9)
    batch.append(other.sign([1]), of: [1], by: other.publicKey)
    batch.append(signature, of: message, by: PublicKey(key))
    guard batch.verify(using: &random) == [true, single] else {
      return .broken("alone \(single), in a batch otherwise")
    }
    return single ? .accepted : .refused
  }
}
