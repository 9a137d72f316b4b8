import EventLoop
import HTTP
import Kernel
import Testing

/// A server on a port of its own, for as long as `body` runs; it must be left without connections.
func withTestServer(
  _ change: (inout HTTPServerLimits) -> Void = { _ in },
  handler: @escaping HTTPServer.Handler,
  _ body: (HTTPServer, EventLoop) async throws -> Void
) async throws {
  var limits = HTTPServerLimits()
  change(&limits)
  let loop = try EventLoop()
  let server = try await HTTPServer(
    at: SocketAddress(.loopbackV4, port: 0),
    on: loop,
    limits: limits,
    handler: handler
  )
  do {
    try await body(server, loop)
  } catch {
    await server.shutdown(within: .zero)
    await loop.shutdown()
    throw error
  }
  await server.shutdown(within: .zero)
  #expect(await server.statistics.open == 0)
  while await server.statistics.bodyBytes > 0 { await Task.yield() }
  await loop.shutdown()
}
