import EdDSA
import EventLoop
import HTTP
import Kernel
import Mesh
import Service

/// What a validator shows over HTTP, on loopback: /health, /status, /metrics.
struct ValidatorFront: Sendable {
  let genesis: Genesis
  let key: PublicKey
  let index: ValidatorIndex
  let followsOnly: Bool
  let startedAt: Instant
  let metrics: Metrics
  let driver: Driver<MeshValidator>
  let network: MeshNetwork

  func answer(_ request: HTTPRequest) async -> HTTPResponse {
    guard request.method != .post else {
      return HTTPResponse(status: 405, text: "only GET\n")
    }
    switch request.path {
    case "/metrics":
      return HTTPResponse(contentType: Metrics.contentType, body: metrics.render())
    case "/health", "/status":
      guard let status = await status() else {
        return HTTPResponse(status: 503, text: "stopping\n")
      }
      let isFit = request.path == "/status" || status["state"]?.string != "halted"
      return HTTPResponse(
        status: isFit ? 200 : 503,
        contentType: "application/json",
        body: Array((status.text + "\n").utf8)
      )
    default:
      return HTTPResponse(status: 404, text: "not found\n")
    }
  }

  /// Nil when the machine answers no more.
  private func status() async -> JSON? {
    guard case .status(let status)? = try? await driver.submit(.status) else { return nil }
    let totals = status.totals
    let connected = status.validators
    let others = genesis.validators.indices.filter { $0 != index }
    let state =
      if totals.isHalted { "halted" } else if followsOnly { "follower" } else { "voting" }
    let wallets = await network.walletCount
    func number(_ value: some BinaryInteger) -> JSON { JSON(Int64(clamping: value)) }
    return [
      "version": JSON(ValidatorConfiguration.version),
      "network": JSON(genesis.name),
      "network_id": JSON("\(genesis.id)"),
      "validator": number(index.number),
      "key": JSON("\(key)"),
      "state": JSON(state),
      "uptime_s": number((SystemClock.now - startedAt).wholeMilliseconds / 1000),
      "validators": number(genesis.validators.count),
      "quorum": number(genesis.validators.quorum),
      "connected": .array(connected.map { number($0.number) }),
      "missing": .array(others.filter { !connected.contains($0) }.map { number($0.number) }),
      "wallets": number(wallets),
      "log": number(totals.logCount),
      "accounts": number(totals.accounts),
      "outputs": number(totals.outputCount),
      "buffered": number(totals.bufferCount),
      "evidence": number(totals.evidenceCount),
      "fee_pool": JSON("\(totals.feePool)"),
    ]
  }
}
