import EventLoop
import Glibc
import HTTP
import Kernel
import Service
import TinyChainNode

/// `tinychain dev`.
let devCommand = Command(
  "dev",
  summary: "Run a chain of your own, for development, until SIGINT or SIGTERM",
  discussion: """
    The API is on port 5100: JSON by GET or POST under /api/, and /health and /metrics.
    """,
  examples: [
    .init("tinychain dev", "A chain in ~/.tinychain"),
    .init("tinychain dev --port 0 --data-dir /tmp/try", "Another, on any free port"),
  ],
  options: NodeOptions.dev + [NodeOptions.exitWithParent]
) { call in
  let loop = try EventLoop(name: "api")
  if call[NodeOptions.exitWithParent] { try await loop.dieWithParent() }
  let log = Log(level: call[NodeOptions.logLevel])
  let signals = try await Signal.stream(of: [.interrupt, .terminate], on: loop)
  let metrics = Metrics()
  guard let ip = IPAddress(call[NodeOptions.address]) else {
    throw wrong("--address takes an IP address")
  }
  let node: ChainNode
  do {
    ProcessFigures.register(in: metrics)
    node = try ChainNode(directory: call[NodeOptions.dataDirectory], .dev, metrics: metrics) {
      loop.now.milliseconds / 1_000
    }
  } catch {
    throw wrong("\(error)")
  }
  let api = try ChainAPI(node: node, metrics: metrics, hosts: ip.isUnspecified ? [] : ["\(ip)"])
  let server: HTTPServer
  do {
    server = try await HTTPServer(
      at: SocketAddress(ip, port: call[NodeOptions.port]),
      on: loop,
      limits: ChainAPI.serverLimits,
      handler: api.handler
    )
  } catch {
    throw wrong("\(error)")
  }
  api.didBind(port: server.address.port)
  let ports: JSON = ["api_port": JSON(server.address.port)]
  let portsPath = call[NodeOptions.dataDirectory] + "/ports.json"
  try PrivateFile.write(ports.bytes(), to: portsPath, mode: 0o644)
  log.info("started", ["version": ChainAPI.version, "api": "\(server.address)"])
  for await signal in signals {
    log.info("stopping", ["signal": "\(signal)"])
    break
  }
  unlink(portsPath)  // should it fail, a client finds nobody at that port
  await server.shutdown(within: .milliseconds(500))
  await api.shutdown()
  do {
    try await node.close()
  } catch {
    log.warn("the log stays beside the chain's file", ["problem": "\(error)"])
  }
  log.flush()
  await loop.shutdown()
}
