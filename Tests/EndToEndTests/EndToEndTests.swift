import Foundation
import Testing

@Suite("Wrong calls of smallnano")
struct WrongCallTests {
  @Test(
    "Each is told in one line, with status 2",
    arguments: [
      (["node", "run", "--nonsense"], "unknown flag --nonsense"),
      (["node", "run", "--rpc-prt", "1"], "did you mean --rpc-port?"),
      (["node", "run", "--rpc-port"], "--rpc-port needs a value"),
      (["node", "run", "--rpc-port", "70000"], "rpc_port should be"),
      (["node", "jump"], "'jump' is no command of smallnano node"),
      (["wallet"], "smallnano wallet needs a command"),
      (["send", "-1", "x"], "<amount> should be an amount in smn"),
      (["send", "1", "smn_wrong"], "<address> should be an address"),
      (["balance", "--rpc", "somewhere"], "rpc should be host:port"),
    ] as [([String], String)]
  )
  func wrongCalls(arguments: [String], message: String) throws {
    let outcome = try Programs.run("smallnano", arguments)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  @Test(
    "What a configuration file has wrong is told with its line",
    arguments: [
      ("# one\nrpc_prot = 1\n", ":2: unknown key 'rpc_prot'; did you mean rpc_port?"),
      ("rpc_port = \"seven\"\n", ":1: rpc_port should be"),
      ("max_peers = 0\n", ":1: max_peers should be"),
      ("[table]\n", ":1: unknown table [table]"),
      ("rpc_port = \n", ":1: column"),
    ]
  )
  func wrongFiles(text: String, message: String) throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    try text.write(toFile: "\(place.path)/config.toml", atomically: false, encoding: .utf8)
    for command in [["config", "check"], ["node", "run"]] {
      let outcome = try Programs.run("smallnano", command + ["--data-dir", place.path])
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains("config.toml\(message)"), "\(outcome.errors)")
    }
  }

  @Test("A port in use is named, with status 2")
  func portInUse() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let (socket, port) = try listeningSocket()
    defer { close(socket) }
    let outcome = try Programs.run(
      "smallnano",
      [
        "node", "run", "--data-dir", place.path, "--rpc-port", "\(port)", "--peering-port", "0",
        "--listen-address", "127.0.0.1",
      ]
    )
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("\(port)"), "\(outcome.errors)")
  }

  @Test("With no node to talk to, a client command says where it looked")
  func noNode() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let outcome = try Programs.run(
      "smallnano",
      ["balance", "--data-dir", place.path, "--rpc", "127.0.0.1:1"]
    )
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("no node answers at 127.0.0.1:1"), "\(outcome.errors)")
  }

  /// A socket that listens on a loopback port that the system chose.
  private func listeningSocket() throws -> (Int32, UInt16) {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) | listen(socket, 1) | getsockname(socket, $0, &length)
      }
    }
    try #require(status == 0)
    return (socket, UInt16(bigEndian: address.sin_port))
  }
}
