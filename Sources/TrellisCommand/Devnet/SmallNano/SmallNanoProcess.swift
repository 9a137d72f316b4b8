import EventLoop
import Glibc
import Kernel
import Service
import SmallNanoNode

/// One smallnano node: a process of its own, a data directory of its own.
struct SmallNanoProcess: Sendable {
  /// A point of the compass.
  let name: String
  let dataDirectory: String
  let process: DevnetProcess
  let ports: Ports
  let rpc: RPCClient

  /// Where a node listens: the system chose.
  struct Ports: Sendable {
    let peering: UInt16
    let rpc: UInt16

    init?(_ json: JSON) {
      guard let peering: UInt16 = json["peering_port"]?.integer(),
        let rpc: UInt16 = json["rpc_port"]?.integer()
      else { return nil }
      self.peering = peering
      self.rpc = rpc
    }
  }

  var peeringAddress: String { "127.0.0.1:\(ports.peering)" }
  var usage: ProcessUsage? { process.usage }
  var diskBytes: UInt64 { TemporaryDirectory.fileBytes(in: dataDirectory) }

  static func portsPath(_ dataDirectory: String) -> String { "\(dataDirectory)/ports.json" }

  /// The flags a node is started with.
  ///
  /// - Parameters:
  ///   - dataDirectory: its own.
  ///   - peers: whom to dial first.
  ///   - launchFile: with weights for a fresh ledger; nil for none.
  /// - Returns: the words after the program's name.
  static func arguments(dataDirectory: String, peers: [String], launchFile: String?) -> [String] {
    [
      "node", "run",
      "--data-dir", dataDirectory,
      "--network", "dev",
      "--listen-address", "127.0.0.1",
      "--peering-port", "0",
      "--rpc-address", "127.0.0.1",
      "--rpc-port", "0",
      "--bootstrap-peers", peers.joined(separator: ","),
      "--enable-voting",
      "--auto-receive",
      "--exit-with-parent",
    ] + (launchFile.map { ["--launch-file", $0] } ?? [])
  }
}
