import EventLoop
import Glibc
import Kernel
import Service
import TinyChain
import TinyChainNode
import TinyChainPeers

/// Header sync by the program itself.
///
/// A full node that is new asks a peer over HTTP, judges what comes, and keeps it on its disk. All of
/// the node's processor time counts, from its start on. The network is the dev network with two hashes
/// of work a block and main's ASERT, so that a million headers can be mined here. Beside it stands what SHA-256d of the same headers takes, bare.
func benchmarkHeaderSync(_ count: Int, program: String) async throws {
  let launch = """
    network = "dev"
    genesis_time = 1700000000
    first_target = "7fffff\(String(repeating: "0", count: 58))"
    interval = 15
    half_life = 3600

    """
  let parameters = try LaunchFile(parsing: Array(launch.utf8), for: .dev).parameters
  guard let rule = parameters.work else { throw CommandFailure("nobody mines this network") }
  Terminal.standard.printError("mining \(count) headers ...\n")
  let line = try HeaderLine(count, parameters, rule)
  let hashing = hashingTime(of: line)

  let loop = try EventLoop(name: "bench")
  let signals = try await Signal.stream(of: [.interrupt, .terminate, .hangup], on: loop)
  let directory = try TemporaryDirectory()
  defer { directory.remove() }
  // On a thread of its own: the answers do not wait for the one that asks how far the node is.
  let serving = try EventLoop(name: "peer")
  let peer = try await HeaderPeer(line, on: serving)
  let devnet = Devnet(directory: directory.path, on: loop) { line in
    Terminal.standard.printError(line)
  }
  print("header sync by a full node, from a peer over HTTP to its disk")
  try await devnet.run([], signals: signals, staysUp: false) {
    let data = "\(directory.path)/node"
    let process = try await devnet.launch(
      "tinychain-node",
      program,
      [
        "node", "run", "--network", "dev", "--launch-file",
        try await devnet.write("dev.toml", launch),
        "--data-dir", data, "--port", "0", "--peers", "\(peer.server.address)",
        "--exit-with-parent",
      ],
      without: "TINYCHAIN_"
    )
    let port = try await devnet.wait("the node listens") { () -> UInt16? in
      try await devnet.requireAlive(process)
      return try? JSON(parsing: try PrivateFile.read("\(data)/ports.json", bytesMax: 1 << 10))[
        "api_port"
      ]?.integer()
    }
    let client = ChainClient(to: SocketAddress(.loopbackV4, port: port), on: loop)
    let start = loop.now
    try await devnet.wait(
      "the node has all headers",
      for: .seconds(300),
      every: .milliseconds(100)
    ) { () -> Bool? in
      try await devnet.requireAlive(process)
      return try await client.call("get_tip")["header_height"]?.integer() == count ? true : nil
    }
    let time = loop.now - start
    guard let usage = process.usage else { throw CommandFailure("the node has ended") }
    report(usage, time, of: count, hashing: hashing)
    print("    \(TemporaryDirectory.fileBytes(in: data) >> 20) MB on disk")
    await client.close()
  }.get()
  await peer.server.shutdown(within: .zero)
  await serving.shutdown()
}

private func report(_ usage: ProcessUsage, _ time: Duration, of count: Int, hashing: Duration) {
  let seconds = Double(usage.processorMilliseconds) / 1e3
  let bare = Double(hashing.wholeNanoseconds) / 1e9
  print("  \(count) headers: \(decimal(seconds)) s of its processor time, aim 5 s a million")
  print(
    "    \(Int(Double(count) / seconds)) headers a second, \(decimal(seconds / bare)) times their "
      + "bare SHA-256d, \(decimal(bare)) s; \(decimal(Double(time.wholeMilliseconds) / 1e3)) s by the clock"
  )
  print(
    "    RSS \(usage.residentBytes) bytes, at most \(usage.peakBytes), of 64000000 promised"
  )
}

/// What one hash of each header takes, and the hash of that.
private func hashingTime(of line: HeaderLine) -> Duration {
  var sum = Duration.zero
  for answer in line.answers {
    guard
      case .headers(let headers)? = try? PeerAnswer(to: .headers, body: answer)
    else { preconditionFailure("made here") }
    let encoded = headers.map(\.bytes)
    let start = threadTime()
    for bytes in encoded { _ = SHA256.double(bytes) }
    sum += threadTime() - start
  }
  return sum
}
