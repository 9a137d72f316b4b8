public import EventLoop
import HTTP
public import Kernel
import Service

/// Why a node did not do what it was asked.
public enum RPCClientFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// No answer; a call that changes something may or may not have been carried out.
  case noAnswer(String)
  /// The node's own words, and its stable name for them.
  case refused(code: String, message: String)

  public var description: String {
    switch self {
    case .noAnswer(let problem): problem
    case .refused(let code, let message): "\(message) (\(code))"
    }
  }

  /// The stable name of a refusal; nil if nothing answered.
  public var code: String? {
    if case .refused(let code, _) = self { code } else { nil }
  }
}

/// Calls a node's actions over HTTP.
public struct RPCClient: Sendable {
  public let address: SocketAddress
  private let http: HTTPClient
  private let token: SecretBytes?

  /// Makes a client, which connects when it is first used.
  ///
  /// - Parameters:
  ///   - address: of the node's RPC.
  ///   - token: what the node wrote to its data directory; without one only what everyone may ask.
  ///   - loop: where the connections live.
  public init(to address: SocketAddress, token: SecretBytes?, on loop: EventLoop) {
    self.address = address
    self.token = token
    http = HTTPClient(to: address, on: loop)
  }

  /// The token of a node's data directory; nil if there is none yet.
  ///
  /// - Throws: `FileFailure` if it cannot be read, or if others may.
  public static func token(in dataDirectory: String) throws -> SecretBytes? {
    do throws(FileFailure) {
      var bytes = try PrivateFile.read(
        "\(dataDirectory)/rpc_token",
        bytesMax: 4096,
        isSecret: true
      )
      while bytes.last == 10 || bytes.last == 13 { bytes.removeLast() }
      return SecretBytes(wiping: &bytes)
    } catch {
      guard error.isMissing else { throw error }
      return nil
    }
  }

  /// Carries out an action.
  ///
  /// - Parameters:
  ///   - action: its name.
  ///   - fields: what belongs to it.
  ///   - timeout: for all of it.
  /// - Returns: the node's answer, an object.
  /// - Throws: `RPCClientFailure`.
  public func call(
    _ action: String,
    _ fields: JSON = [:],
    timeout: Duration = .seconds(60)
  ) async throws(RPCClientFailure) -> JSON {
    var call: JSON.Object = fields.object ?? .init()
    call["action"] = .string(action)
    var header: HTTPFields = ["content-type": "application/json"]
    if let token {
      let text = token.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
      header.append("authorization", "Bearer \(text)")
    }
    let response: HTTPResponse
    do throws(HTTPClientFailure) {
      response = try await http.send(
        .post,
        "/",
        fields: header,
        body: JSON.object(call).bytes(),
        timeout: timeout
      )
    } catch {
      throw .noAnswer("no node answers at \(address): \(error)")
    }
    let limits = JSON.Limits(bytesMax: 16 << 20, valuesMax: 1_000_000)
    guard let answer = try? JSON(parsing: response.body, limits: limits), answer.object != nil
    else {
      throw .noAnswer("\(address) answers with status \(response.status) and no JSON object")
    }
    if let message = answer["error"]?.string {
      throw .refused(code: answer["code"]?.string ?? "unknown", message: message)
    }
    return answer
  }

  /// Ends the connections; calls under way fail.
  public func close() async {
    await http.close()
  }
}
