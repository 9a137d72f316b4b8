import EventLoop
import HTTP
import Kernel
import SmallNano
import Testing

@testable import SmallNanoNode

/// The RPC of a house behind a real server, and a client of it.
struct TestRPC {
  let house: TestHouse
  let wallet: Wallet
  let service: RPCService
  let server: HTTPServer
  let client: HTTPClient
  let token: String

  init(_ house: TestHouse, _ wallet: Wallet) async throws {
    self.house = house
    self.wallet = wallet
    service = try RPCService(access: house.access, wallet: wallet, on: house.loop)
    server = try await HTTPServer(
      at: SocketAddress(.loopbackV4, port: 0),
      on: house.loop,
      limits: RPCService.serverLimits,
      handler: service.handler
    )
    service.didBind(port: server.address.port)
    client = HTTPClient(to: server.address, on: house.loop)
    let file = try #require(house.directory.read(RPCToken.fileName))
    token = String(decoding: file.dropLast(), as: UTF8.self)
  }

  func post(
    _ body: [UInt8],
    token: String?,
    fields: HTTPFields = [:]
  ) async throws -> HTTPResponse {
    var fields = fields
    if let token { fields.append("authorization", "Bearer \(token)") }
    return try await client.send(.post, "/", fields: fields, body: body)
  }

  /// Calls with the token.
  func call(_ action: String, _ fields: JSON = [:]) async throws -> JSON {
    let response = try await post(Self.body(action, fields), token: token)
    return try JSON(parsing: response.body)
  }

  static func body(_ action: String, _ fields: JSON = [:]) -> [UInt8] {
    guard case .object(var object) = fields else { preconditionFailure("fields are an object") }
    object["action"] = .string(action)
    return JSON.object(object).bytes()
  }

  func close() async {
    await client.close()
    await server.shutdown(within: .seconds(1))
  }
}

/// Runs a test's body against an RPC whose wallet owns the whole supply.
func withRPC(_ body: (TestRPC) async throws -> Void) async throws {
  try await inHouse { house async throws in
    let rpc = try await TestRPC(house, try await house.genesisWallet())
    do {
      try await body(rpc)
      await rpc.close()
    } catch {
      await rpc.close()
      throw error
    }
  }
}
