public import EventLoop
public import HTTP
import Kernel
import Service
import SmallNano

/// What a node shows over HTTP, made by the RPC when the rest of the node runs.
public struct NodeFront: Sendable {
  let handler: HTTPServer.Handler
  let didBind: @Sendable (UInt16) -> Void
  let stop: @Sendable () async -> Void

  /// Describes the front.
  ///
  /// - Parameters:
  ///   - handler: answers each request, on the RPC's loop.
  ///   - didBind: told the port as soon as the server listens.
  ///   - stop: called when no request is in flight any more and the machine still runs.
  public init(
    handler: @escaping HTTPServer.Handler,
    didBind: @escaping @Sendable (UInt16) -> Void = { _ in },
    stop: @escaping @Sendable () async -> Void = {}
  ) {
    self.handler = handler
    self.didBind = didBind
    self.stop = stop
  }

  /// Builds it, on the loop that will run it.
  public typealias Make =
    @Sendable (NodeAccess, NodeConfiguration, EventLoop) async throws -> NodeFront
}

extension NodeFront {
  /// Without an RPC: /health and /metrics.
  static func bare(_ access: NodeAccess) -> NodeFront {
    NodeFront(handler: { request in
      switch request.path {
      case "/metrics":
        return HTTPResponse(contentType: Metrics.contentType, body: access.metrics.render())
      case "/health":
        let isHealthy = await access.health().isHealthy
        return HTTPResponse(status: isHealthy ? 200 : 503, text: isHealthy ? "ok\n" : "broken\n")
      default:
        return HTTPResponse(status: 404, text: "not found\n")
      }
    })
  }
}
