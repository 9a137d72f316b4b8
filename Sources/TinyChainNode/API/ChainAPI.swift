import Glibc
public import HTTP
import Kernel
public import Service
import Synchronization
import Transport
import TinyChain

/// The node's face for people and tools: `/api/NAME` with a JSON object, `/health`, `/metrics`.
///
/// GET with a body and POST mean the same, as the original's callers used both. Two guards stand
/// before a call: the host must be one of this node's names, so that no name of a stranger that
/// resolves here reaches it (DNS rebinding), and an origin, which browsers add, must be its own.
public final class ChainAPI: Sendable {
  public static let version = "0.1.0"

  /// Bytes of a call: a transaction of 64 KiB in hexadecimal, four times over.
  private static let bodyMax = 1 << 20

  private let context: APIContext
  private let hosts: [String]
  /// 0 before the server listens: any port will do then.
  private let port = Atomic<UInt16>(0)
  private let metrics: Metrics
  private let served: Counter
  private let refused: Counter

  /// The face of a chain for development.
  public convenience init(node: ChainNode, metrics: Metrics, hosts: [String] = []) throws {
    try self.init(node, .instant(node), metrics: metrics, hosts: hosts)
  }

  init(
    _ node: any ServingNode,
    _ development: APIContext.Development,
    metrics: Metrics,
    hosts: [String]
  ) throws {
    context = APIContext(node: node, gate: try EvaluationGate(), development: development)
    self.metrics = metrics
    self.hosts = ["localhost", "127.0.0.1", "::1"] + hosts.map { $0.lowercased() }
    served = metrics.counter("api_calls_total", "Calls carried out")
    refused = metrics.counter("api_calls_refused_total", "Calls refused or failed")
  }

  public static var serverLimits: HTTPServerLimits {
    var limits = HTTPServerLimits()
    limits.message = HTTPMessageLimits(bodyMax: bodyMax)
    return limits
  }

  /// For a node with peers, whose blocks are longer than calls.
  static var minedServerLimits: HTTPServerLimits {
    var limits = HTTPServerLimits()
    limits.message = HTTPMessageLimits(bodyMax: blockCallMax)
    // Whatever they send, their bodies share the memory that the standard allows.
    limits.connectionsMax = 128
    limits.connectionsPerHostMax = 64
    return limits
  }

  /// Whether a server could not listen because somebody else does.
  static func isPortTaken(_ failure: any Error) -> Bool {
    (failure as? ListenFailure)?.code == EADDRINUSE
  }

  /// Bytes of a call with the longest block in hexadecimal, which is more than a peer may send.
  private static let blockCallMax = 2 * Block.bytesMax + 4_096

  /// To be told once the server listens: from then on a host or origin with another port is refused.
  public func didBind(port: UInt16) {
    self.port.store(port, ordering: .relaxed)
  }

  /// What the HTTP server calls.
  public var handler: HTTPServer.Handler {
    { await self.respond(to: $0) }
  }

  public func shutdown() async { await context.gate.shutdown() }

  // MARK: Routes

  private static let actions =
    APIAction.machine + APIAction.user + APIAction.chain + APIAction.development

  private func respond(to request: HTTPRequest) async -> HTTPResponse {
    guard isOwn(request.fields["host"] ?? "") else {
      return APIFailure(status: 403, "foreign_host", "this host is not one of the node's names")
        .response
    }
    if let origin = request.fields["origin"] {
      let scheme = "http://"
      guard origin.hasPrefix(scheme), isOwn(String(origin.dropFirst(scheme.count))) else {
        return APIFailure(status: 403, "foreign_origin", "pages of other origins may not call")
          .response
      }
    }
    switch request.path {
    case "/": return HTTPResponse(text: Self.index)
    case "/metrics":
      return HTTPResponse(contentType: Metrics.contentType, body: metrics.render())
    case "/health": return await health()
    default:
      let prefix = "/api/"
      guard request.path.hasPrefix(prefix) else {
        return APIFailure(status: 404, "no_such_path", "there are /api/NAME, /health and /metrics")
          .response
      }
      return await call(String(request.path.dropFirst(prefix.count)), request)
    }
  }

  private func call(_ name: String, _ request: HTTPRequest) async -> HTTPResponse {
    do {
      guard let action = Self.actions.first(where: { $0.name == name }) else {
        let known = Self.actions.map(\.name).joined(separator: ", ")
        throw APIFailure(status: 404, "unknown_call", "there are: \(known)")
      }
      let result = try await action.run(
        APICall(fields: try Self.fields(request, of: name)),
        context
      )
      served.add()
      let answer: JSON = ["result": result, "status": 200]
      return HTTPResponse(contentType: "application/json", body: answer.bytes() + [10])
    } catch {
      refused.add()
      return APIFailure(any: error).response
    }
  }

  /// The call's object; a call without a body has no fields.
  private static func fields(_ request: HTTPRequest, of name: String) throws(APIFailure) -> JSON {
    guard !request.body.isEmpty else { return [:] }
    let isBlock = name == "broadcast_block"
    let limits = JSON.Limits(
      bytesMax: isBlock ? blockCallMax : bodyMax,
      depthMax: 16,
      valuesMax: 10_000
    )
    let fields: JSON
    do {
      fields = try JSON(parsing: request.body, limits: limits)
    } catch {
      throw APIFailure("bad_json", "the body is not the JSON asked for: \(error)")
    }
    guard fields.object != nil else {
      throw APIFailure("bad_json", "the body must be an object, not \(fields.kind)")
    }
    return fields
  }

  private static let index =
    "tinychain \(version). Calls are /api/NAME with a JSON object, by GET or POST:\n"
    + actions.map { "  \($0.name)  \($0.summary)\n" }.joined()
    + "See also /health and /metrics.\n"

  /// 503 if the chain on the disk is not the one that is served.
  private func health() async -> HTTPResponse {
    do {
      try await context.node.check()
      let body: JSON = ["status": "ok"]
      return HTTPResponse(contentType: "application/json", body: body.bytes() + [10])
    } catch {
      let failure = APIFailure(any: error)
      return APIFailure(status: 503, failure.code, failure.message).response
    }
  }

  /// Whether `host`, or `host:port`, is this node.
  private func isOwn(_ authority: String) -> Bool {
    let port = port.load(ordering: .relaxed)
    // Without a port it is HTTP's own.
    guard let found = HostPort(authority.lowercased(), defaultPort: 80) else { return false }
    return hosts.contains(found.host) && (port == 0 || found.port == port)
  }
}
