import EventLoop
import Kernel
import Service
import TinyChain
import TinyChainNode
import Vault

/// What every command takes that talks to a node.
enum ClientOptions {
  static let node = Option<HostPort?>(
    "node",
    .optional(.hostPort(defaultPort: 5100)),
    default: nil,
    scope: .commandLine,
    help: "Where the node answers, instead of where its data directory says"
  )
  static let from = Option<String?>(
    "from",
    .optional(.string("NAME")),
    default: nil,
    scope: .commandLine,
    help: "The account that pays; `faucet` is everybody's on the dev network"
  )
  static let value = Option<UInt64>(
    "value",
    .integer(0...UInt64(Int64.max)),
    default: 0,
    scope: .commandLine,
    help: "Units to send along"
  )
  static let gasLimit = Option<UInt64?>(
    "gas_limit",
    .optional(.integer(0...Transaction.gasMax)),
    default: nil,
    scope: .commandLine,
    help: "Gas to pay for at most; by default what a dry run says"
  )

  static let talking: [any DeclaredOption] = [
    NodeOptions.dataDirectory, NodeOptions.network, node, jsonOption,
  ]
  static let sending: [any DeclaredOption] =
    talking + [from, value, gasLimit, SecretInput.passwordFile]
}

/// A command's line to the node, and the wallet beside it.
struct Client {
  let node: ChainClient
  let wallet: Wallet
  private let call: Invocation

  init(_ call: Invocation) throws {
    self.call = call
    node = ChainClient(to: try Self.address(call), on: try EventLoop(name: "client"))
    wallet = try Wallet(call)
  }

  private static func address(_ call: Invocation) throws -> SocketAddress {
    if let given = call[ClientOptions.node] {
      guard let ip = IPAddress(given.host == "localhost" ? "127.0.0.1" : given.host) else {
        throw wrong("--node takes an IP address, not the name \(given.host)")
      }
      return SocketAddress(ip, port: given.port)
    }
    // Of a node that never ran, it is missing; then the standard port is as good a guess as any.
    let path = call[NodeOptions.dataDirectory] + "/ports.json"
    let bytes = (try? PrivateFile.read(path, bytesMax: 4_096)) ?? []
    let port: UInt16? = (try? JSON(parsing: bytes))?["api_port"]?.integer()
    return SocketAddress(.loopbackV4, port: port ?? 5_100)
  }

  /// Carries out a call; a refusal is the command's failure, in the node's words.
  func ask(_ name: String, _ fields: JSON = [:]) async throws -> JSON {
    do throws(ChainClientFailure) {
      return try await node.call(name, fields)
    } catch {
      throw Self.explain(error)
    }
  }

  static func explain(_ failure: ChainClientFailure) -> CommandFailure {
    if case .noAnswer = failure {
      return CommandFailure(
        "\(failure); is it running? see tinychain dev --help, or node run --help"
      )
    }
    return CommandFailure("\(failure)")
  }

  // MARK: Sending

  /// Sends, and shows what came of it; a failure on the chain is the command's.
  ///
  /// `result` is what goes to standard output as text.
  func send(_ request: Request, result: (JSON) -> String?) async throws {
    let key = try wallet.signer()
    let answer: JSON
    do throws(ChainClientFailure) {
      answer = try await node.send(request, by: key)
    } catch {
      throw Self.explain(error)
    }
    try show(answer, result: result)
  }

  func show(_ answer: JSON, result: (JSON) -> String?) throws {
    if call[jsonOption] {
      Terminal.standard.print(answer.text + "\n")
    } else {
      for event in answer["events"]?.array ?? [] {
        let what = event["value"]?.string ?? "0x" + (event["data"]?.string ?? "")
        Terminal.standard.printError("event \(what)\n")
      }
      if answer["status"] == 1, let text = result(answer) { Terminal.standard.print(text + "\n") }
      if let height = answer["height"]?.number {
        Terminal.standard.printError(
          "transaction \(answer["id"]?.string ?? "?") in block \(height), "
            + "\(answer["gas_used"]?.number?.text ?? "?") gas\n"
        )
      } else {
        Terminal.standard.printError("\(answer["gas_used"]?.number?.text ?? "?") gas\n")
      }
    }
    guard answer["status"] == 1 else {
      let reason = answer["reason"]?.string ?? ""
      let failure = answer["failure"]?.string ?? "failed"
      throw CommandFailure("it failed: \(failure)" + (reason.isEmpty ? "" : ", \(reason)"))
    }
  }

  /// A contract's answer: a value of Lisp, else text if it is some, else hexadecimal.
  static func answerText(_ answer: JSON) -> String? {
    if let value = answer["value"]?.string { return value }
    guard let bytes = answer["output"]?.string.flatMap({ [UInt8](hex: $0) }) else { return nil }
    return AnswerText.text(of: bytes, isLisp: false)
  }
}
