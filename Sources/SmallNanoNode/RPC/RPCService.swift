public import EventLoop
public import HTTP
import Kernel
import Service
import SmallNano
import Synchronization

/// The node's HTTP face: actions at `POST /`, `GET /metrics`, `GET /health`.
///
/// Three guards stand before an action. The host must be one of this node's names, so that no name
/// of a stranger that resolves here reaches it (DNS rebinding). The origin, which browsers add, must
/// be this node's own, so that no web page of others can call. And what moves money or shows the
/// wallet needs the bearer token.
public final class RPCService: Sendable {
  public struct Options: Sendable {
    /// Names and addresses beside the loopback ones under which clients call, without a port.
    public var hosts: [String] = []
    public var workThreads = 1

    public init() {}
  }

  /// What the HTTP server should allow: calls are small, and few clients have any.
  public static var serverLimits: HTTPServerLimits {
    var limits = HTTPServerLimits()
    limits.message = HTTPMessageLimits(bodyMax: bodyMax)
    // Eight of the longest: what a node holds in all is to stay far below what a phone has.
    limits.bodyBytesMax = 8 * bodyMax
    return limits
  }

  /// `blocks_info` of 1000 hashes, three times over.
  static let bodyMax = 256 << 10

  private let context: RPCContext
  private let token: RPCToken
  private let hosts: [String]
  /// 0 before the server listens: any port will do then.
  private let port = Atomic<UInt16>(0)
  private let served: Counter
  private let refused: Counter

  /// Makes the service; reads of the ledger run on `loop`.
  ///
  /// - Throws: `FileFailure` if the token cannot be read or made.
  public init(
    access: NodeAccess,
    wallet: Wallet,
    on loop: EventLoop,
    options: Options = Options()
  ) throws {
    context = RPCContext(
      access: access,
      wallet: wallet,
      ledger: LedgerReads(access: access, on: loop),
      work: WorkSearch(on: access.workers, threads: options.workThreads),
      workGate: WorkGate()
    )
    token = try RPCToken(dataDirectory: access.dataDirectory)
    hosts = ["localhost", "127.0.0.1", "::1"] + options.hosts.map { $0.lowercased() }
    served = access.metrics.counter("rpc_calls_total", "Actions carried out")
    refused = access.metrics.counter("rpc_calls_refused_total", "Actions refused or failed")
  }

  /// To be told once the server listens: from then on a host or origin with another port is refused.
  public func didBind(port: UInt16) {
    self.port.store(port, ordering: .relaxed)
  }

  /// What the HTTP server calls.
  public var handler: HTTPServer.Handler {
    { await self.respond(to: $0) }
  }

  private func respond(to request: HTTPRequest) async -> HTTPResponse {
    guard isOwn(request.fields["host"] ?? "") else {
      return RPCFailure(status: 403, "foreign_host", "this host is not one of the node's names")
        .response
    }
    if let origin = request.fields["origin"] {
      let scheme = "http://"
      guard origin.hasPrefix(scheme), isOwn(String(origin.dropFirst(scheme.count))) else {
        return RPCFailure(status: 403, "foreign_origin", "pages of other origins may not call")
          .response
      }
    }
    switch (request.method, request.path) {
    case (.post, "/"):
      return await call(request)
    case (.get, "/"), (.head, "/"):
      return HTTPResponse(
        text: "smallnano \(context.access.version). The RPC is POST / with a JSON object, "
          + "for example {\"action\": \"version\"}. See also /health and /metrics.\n"
      )
    case (.get, "/metrics"), (.head, "/metrics"):
      let body = context.access.metrics.render()
      return HTTPResponse(contentType: Metrics.contentType, body: body)
    case (.get, "/health"), (.head, "/health"):
      return await health()
    case (_, "/"), (_, "/metrics"), (_, "/health"):
      return RPCFailure(status: 405, "wrong_method", "this path has no \(request.method.rawValue)")
        .response
    default:
      return RPCFailure(status: 404, "no_such_path", "there are /, /health and /metrics").response
    }
  }

  // MARK: Guards

  /// Whether `host`, or `host:port`, is this node.
  private func isOwn(_ authority: String) -> Bool {
    let port = port.load(ordering: .relaxed)
    // Without a port it is HTTP's own.
    guard let found = HostPort(authority.lowercased(), defaultPort: 80) else { return false }
    return hosts.contains(found.host) && (port == 0 || found.port == port)
  }

  private func authorize(_ action: RPCAction, _ request: HTTPRequest) throws(RPCFailure) {
    guard action.needsToken else { return }
    let file = "\(context.access.dataDirectory)/\(RPCToken.fileName)"
    guard let authorization = request.fields["authorization"] else {
      throw RPCFailure(
        status: 401,
        "token_missing",
        "\(action.name) needs the header Authorization: Bearer, with the token in \(file)"
      )
    }
    guard token.matches(authorization) else {
      throw RPCFailure(status: 401, "token_wrong", "the token is not the one in \(file)")
    }
  }

  // MARK: Actions

  private func call(_ request: HTTPRequest) async -> HTTPResponse {
    do {
      guard request.body.count <= Self.bodyMax else {
        throw RPCFailure(
          status: 413,
          "body_too_large",
          "a call has at most \(Self.bodyMax) bytes"
        )
      }
      let fields = try Self.parse(request.body)
      let action = try Self.action(of: fields)
      try authorize(action, request)
      let answer = try await action.handler(RPCCall(fields: fields), context)
      served.add()
      return HTTPResponse(contentType: "application/json", body: answer.bytes())
    } catch {
      refused.add()
      return RPCFailure(error).response
    }
  }

  /// Five levels are all that any action has.
  private static let limits = JSON.Limits(bytesMax: bodyMax, depthMax: 16, valuesMax: 10_000)

  private static func parse(_ body: [UInt8]) throws(RPCFailure) -> JSON {
    let fields: JSON
    do {
      fields = try JSON(parsing: body, limits: limits)
    } catch {
      throw RPCFailure(status: 400, "bad_json", "the body is not the JSON asked for: \(error)")
    }
    guard fields.object != nil else {
      throw RPCFailure(
        status: 400,
        "bad_json",
        "the body must be an object with an action, not \(fields.kind)"
      )
    }
    return fields
  }

  private static func action(of fields: JSON) throws(RPCFailure) -> RPCAction {
    let name = try RPCCall(fields: fields).string("action")
    if let action = RPCActions.named(name) { return action }
    let clipped = String(name.prefix(64))
    let suggestion = nearest(to: clipped, among: RPCActions.all.map(\.name))
    throw RPCFailure(
      status: 400,
      "unknown_action",
      "there is no action \(clipped.debugDescription)"
        + (suggestion.map { "; did you mean \($0)?" } ?? "")
    )
  }

  // MARK: Health

  /// 503 if the node cannot do its work; what merely needs a look is told with status 200.
  private func health() async -> HTTPResponse {
    var failures: [String] = []
    var warnings: [String] = []
    do {
      _ = try await context.ledger.snapshot { try $0.totals() }
    } catch {
      failures.append("the ledger cannot be read: \(error)")
    }
    do {
      let status = try await context.status()
      if status.onlineWeight < status.quorum {
        warnings.append("less weight is online than a confirmation needs")
      }
    } catch {
      failures.append("the node does not answer: \(error)")
    }
    if await context.access.peers().isEmpty { warnings.append("no peers are connected") }
    if await !context.wallet.refusedVoters.isEmpty {
      warnings.append("keys of the wallet do not vote: see smallnano wallet vote-here")
    }
    let status = failures.isEmpty ? warnings.isEmpty ? "ok" : "degraded" : "failing"
    let body: JSON = [
      "status": JSON(status),
      "reasons": .array((failures + warnings).map { JSON($0) }),
    ]
    return HTTPResponse(
      status: failures.isEmpty ? 200 : 503,
      contentType: "application/json",
      body: body.bytes()
    )
  }
}
