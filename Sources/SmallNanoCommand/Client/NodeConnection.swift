import EventLoop
import Kernel
import Service
import SmallNano
import SmallNanoNode

/// What every command takes that talks to a running node.
enum ClientOptions {
  static let rpc = Option<HostPort?>(
    "rpc",
    .optional(.hostPort()),
    default: nil,
    scope: .commandLine,
    help: "Where the node answers, instead of where its data directory says"
  )
  static let json = Option<Bool>(
    "json",
    .boolean,
    default: false,
    scope: .commandLine,
    help: "Print the node's answer as JSON"
  )

  static let all: [any DeclaredOption] = [NodeOptions.dataDirectory, rpc, json]
}

/// A command's line to the node.
struct NodeConnection {
  private let client: RPCClient
  private let isJSON: Bool

  /// Finds the node by `--rpc`, else by the ports it wrote, else by its configuration.
  init(_ call: Invocation) throws {
    let directory = call[NodeOptions.dataDirectory]
    client = RPCClient(
      to: try Self.address(call, directory),
      token: try RPCClient.token(in: directory),
      on: try EventLoop(name: "client")
    )
    isJSON = call[ClientOptions.json]
  }

  private static func address(_ call: Invocation, _ directory: String) throws -> SocketAddress {
    if let given = call[ClientOptions.rpc] {
      let host = given.host == "localhost" ? "127.0.0.1" : given.host
      guard let ip = IPAddress(host) else {
        throw CommandFailure("--rpc takes an IP address, not the name \(host)", status: 2)
      }
      return SocketAddress(ip, port: given.port)
    }
    let configured = try NodeConfiguration(try NodeOptions.withFile(call.settings)).rpc
    let ip = configured.ip.isUnspecified ? .loopbackV4 : configured.ip
    // Of a node that is down, or that never ran, it is missing; then the configuration decides.
    let bytes = (try? PrivateFile.read("\(directory)/ports.json", bytesMax: 4096)) ?? []
    let port: UInt16? = (try? JSON(parsing: bytes))?["rpc_port"]?.integer()
    return SocketAddress(ip, port: port ?? configured.port)
  }

  /// Carries out an action; a refusal is the command's failure, in the node's words.
  func call(_ action: String, _ fields: JSON = [:]) async throws -> JSON {
    try await call(action, fields, nilIf: nil) ?? [:]
  }

  /// The same, and nil if the node refuses with the code.
  func call(_ action: String, _ fields: JSON, nilIf code: String?) async throws -> JSON? {
    do throws(RPCClientFailure) {
      return try await client.call(action, fields)
    } catch {
      switch error {
      case .refused(code: code, _): return nil
      case .noAnswer:
        throw CommandFailure("\(error); is it running? see smallnano node run --help")
      case .refused(code: "token_missing", _), .refused(code: "token_wrong", _):
        throw CommandFailure("\(error); give the node's --data-dir, where its token lies")
      case .refused:
        throw CommandFailure("\(error)")
      }
    }
  }

  /// Shows an answer, as text or as it is.
  func show(_ answer: JSON, _ text: @autoclosure () throws -> String) rethrows {
    Terminal.standard.print(isJSON ? answer.text + "\n" : try text())
  }

  /// The wallet's accounts, by index.
  func walletAccounts() async throws -> [String] {
    try await call("account_list")["accounts"]?.array?.compactMap(\.string) ?? []
  }
}

/// An amount of an answer as people read it: `12.5 smn`.
func smn(_ value: JSON?) -> String {
  guard let amount = value?.string.flatMap({ Amount(rawText: $0) }) else { return "?" }
  return "\(amount.smn) smn"
}
