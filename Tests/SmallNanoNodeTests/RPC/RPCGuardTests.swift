import HTTP
import Kernel
import SmallNano
import TestSupport
import Testing

@testable import SmallNanoNode

@Suite("The RPC's guards") struct RPCGuardTests {
  func code(_ response: HTTPResponse) throws -> String? {
    try JSON(parsing: response.body)["code"]?.string
  }

  @Test(
    "A body that is no call is refused, with the reason",
    arguments: [
      ("", 400, "bad_json", "line 1"),
      ("{\"action\": ", 400, "bad_json", "line 1, column 12"),
      ("[]", 400, "bad_json", "an array"),
      (String(repeating: "[", count: 100_000), 400, "bad_json", "depthMax"),
      ("{}", 400, "missing_field", "action"),
      ("{\"action\": 1}", 400, "bad_field", "action must be a string"),
      ("{\"action\": \"blok_count\"}", 400, "unknown_action", "did you mean block_count?"),
      ("{\"action\": \"account_info\"}", 400, "missing_field", "account is missing"),
      ("{\"action\": \"account_info\", \"account\": 5}", 400, "bad_field", "account must be"),
      ("{\"action\": \"account_info\", \"account\": \"smn_1\"}", 400, "bad_account", "account: "),
      ("{\"action\": \"accounts_balances\", \"accounts\": [1]}", 400, "bad_field", "accounts must"),
      ("{\"action\": \"block_info\", \"hash\": \"00\"}", 400, "bad_field", "hash must have 64"),
    ]
  )
  func badBody(body: String, status: Int, code: String, message: String) async throws {
    try await withRPC { rpc async throws in
      let response = try await rpc.post(Array(body.utf8), token: nil)
      #expect(response.status == status)
      #expect(try self.code(response) == code)
      let text = try JSON(parsing: response.body)["error"]?.string ?? ""
      #expect(text.contains(message), "\(text)")
    }
  }

  @Test("A body of 10 MB is refused unread") func hugeBody() async throws {
    try await withRPC { rpc async throws in
      let body = [UInt8](repeating: 0x20, count: 10 << 20)
      // The server may close before the client has sent all: then there is no response to read.
      if let response = try? await rpc.post(body, token: nil) { #expect(response.status == 413) }
      #expect(try await rpc.call("block_count")["count"] == "1")
    }
  }

  @Test("Every action that moves money or shows the wallet needs the token")
  func token() async throws {
    let guarded = RPCActions.all.filter(\.needsToken).map(\.name)
    for name in ["send", "receive", "stop", "account_create", "account_representative_set"] {
      #expect(guarded.contains(name))
    }
    for action in RPCActions.all where action.name.hasPrefix("wallet_") {
      #expect(guarded.contains(action.name))
    }
    try await withRPC { rpc async throws in
      for name in guarded {
        let missing = try await rpc.post(TestRPC.body(name), token: nil)
        #expect(missing.status == 401)
        #expect(try self.code(missing) == "token_missing", "\(name)")
        for wrong in ["", "0", String(rpc.token.dropLast()), rpc.token + "0"] {
          let response = try await rpc.post(TestRPC.body(name), token: wrong)
          #expect(response.status == 401)
          #expect(try self.code(response) == "token_wrong", "\(name)")
        }
      }
      #expect(!rpc.house.isStopped.isSet)
    }
  }

  @Test("The token is the owner's alone, and stays") func tokenFile() async throws {
    let directory = TemporaryDirectory()
    _ = try RPCToken(dataDirectory: directory.path)
    let first = directory.read(RPCToken.fileName)
    #expect(first?.count == 65)
    _ = try RPCToken(dataDirectory: directory.path)
    #expect(directory.read(RPCToken.fileName) == first)
  }

  @Test(
    "A name that is not this node's is refused",
    arguments: ["evil.example:PORT", "localhost:1", "localhost", "127.0.0.1.evil.example:PORT", ""]
  )
  func foreignHost(host: String) async throws {
    try await withRPC { rpc async throws in
      let response = try await rpc.handle(host: host, origin: nil)
      #expect(response.status == 403)
      #expect(try self.code(response) == "foreign_host")
    }
  }

  @Test(
    "This node's names are taken",
    arguments: ["localhost:PORT", "127.0.0.1:PORT", "[::1]:PORT"]
  )
  func ownHost(host: String) async throws {
    try await withRPC { rpc async throws in
      #expect(try await rpc.handle(host: host, origin: nil).status == 200)
      #expect(try await rpc.handle(host: host, origin: "http://" + host).status == 200)
    }
  }

  @Test(
    "A page of another origin is refused",
    arguments: ["https://evil.example", "null", "http://localhost:1", "https://localhost:PORT"]
  )
  func foreignOrigin(origin: String) async throws {
    try await withRPC { rpc async throws in
      let response = try await rpc.handle(host: "localhost:PORT", origin: origin)
      #expect(response.status == 403)
      #expect(try self.code(response) == "foreign_origin")
    }
  }

  @Test("Health, metrics and the front page answer; other paths say what there is")
  func paths() async throws {
    try await withRPC { rpc async throws in
      let health = try await rpc.client.send(.get, "/health")
      #expect(health.status == 200)
      #expect(try JSON(parsing: health.body)["status"] == "degraded")
      #expect(try JSON(parsing: health.body)["reasons"]?.array == ["no peers are connected"])
      _ = try await rpc.call("version")
      let metrics = try await rpc.client.send(.get, "/metrics")
      #expect(String(decoding: metrics.body, as: UTF8.self).contains("rpc_calls_total 1"))
      #expect(try await rpc.client.send(.get, "/").status == 200)
      #expect(try await rpc.client.send(.get, "/x").status == 404)
      #expect(try await rpc.client.send(.post, "/health").status == 405)
    }
  }
}

extension TestRPC {
  /// A call with a host and an origin of the test's choice; PORT stands for the server's.
  func handle(host: String, origin: String?) async throws -> HTTPResponse {
    let port = "\(server.address.port)"
    func filled(_ text: String) -> String {
      let parts = text.split(separator: "PORT", omittingEmptySubsequences: false)
      return parts.joined(separator: port)
    }
    var text = "POST / HTTP/1.1\r\nhost: \(filled(host))\r\n"
    if let origin { text += "origin: \(filled(origin))\r\n" }
    let body = Self.body("version")
    let bytes = Array("\(text)content-length: \(body.count)\r\n\r\n".utf8) + body
    var parser = HTTPRequestParser(limits: HTTPMessageLimits(), remote: server.address)
    parser.append(bytes)
    guard case .announcesBody? = try parser.next(), case .request(let request)? = try parser.next()
    else { throw RPCFailure.accountNotFound }
    return await service.handler(request)
  }
}
