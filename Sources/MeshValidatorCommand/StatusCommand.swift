import EventLoop
import HTTP
import Kernel
import MeshNode
import Service

/// `mesh-validator status`: what a running validator says of itself.
let statusCommand = Command(
  "status",
  summary: "Show a running validator's figures",
  examples: [
    Command.Example("mesh-validator status", "The validator of config.toml"),
    Command.Example("mesh-validator status --data-dir v1 --json", "For scripts"),
  ],
  options: [
    ValidatorOptions.dataDirectory, ValidatorOptions.config, ValidatorOptions.httpPort,
    CommonOptions.json,
  ]
) { call in
  let settings = try ValidatorOptions.withFile(call.settings)
  let directory = ValidatorDirectory(settings[ValidatorOptions.dataDirectory])
  let port = directory.httpPort ?? settings[ValidatorOptions.httpPort]
  let address = SocketAddress(.loopbackV4, port: port)
  let loop = try EventLoop(name: "client")
  let client = HTTPClient(to: address, on: loop)
  let response: HTTPResponse
  do throws(HTTPClientFailure) {
    response = try await client.send(.get, "/status", timeout: .seconds(5))
  } catch {
    throw CommandFailure(
      "no validator answers at \(address): \(error); is it running? see mesh-validator run --help"
    )
  }
  await client.close()
  guard let answer = try? JSON(parsing: response.body) else {
    // Something else listens there.
    throw CommandFailure("what answers at \(address) is no validator")
  }
  Terminal.standard.print(call[CommonOptions.json] ? answer.text + "\n" : text(answer))
}

private func text(_ answer: JSON) -> String {
  func value(_ key: String) -> String {
    answer[key]?.string ?? answer[key]?.integer(Int64.self).map { "\($0)" } ?? "?"
  }
  func list(_ key: String) -> String {
    let numbers = answer[key]?.array?.compactMap { $0.integer(Int64.self) } ?? []
    return numbers.isEmpty ? "none" : numbers.map { "\($0)" }.joined(separator: ", ")
  }
  return table([
    ("validator", "\(value("validator")) of \(value("validators")), \(value("state"))"),
    ("key", value("key")),
    ("network", "\(value("network")) \(value("network_id"))"),
    ("up", "\(value("uptime_s")) s"),
    ("connected to", list("connected")),
    ("not connected to", list("missing")),
    ("wallets", value("wallets")),
    ("log", "\(value("log")) certificates"),
    ("accounts", value("accounts")),
    ("waiting", "\(value("buffered")) certificates"),
    ("faults proved", value("evidence")),
    ("fees", "\(value("fee_pool")) units"),
  ])
}
