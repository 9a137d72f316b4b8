public import EventLoop
import HTTP
public import Kernel

/// Why a node did not do what it was asked.
public enum ChainClientFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// No answer; a call that changes something may or may not have been carried out.
  case noAnswer(String)
  /// The node's own words, and its stable name for them.
  case refused(code: String, message: String)
  /// An answer without what it must have.
  case notUnderstood(String)
  /// A dry run failed, so nothing was sent.
  case wouldFail(String)

  public var description: String {
    switch self {
    case .noAnswer(let problem): problem
    case .refused(let code, let message): "\(message) (\(code))"
    case .wouldFail(let reason): "it would fail, so nothing was sent: \(reason)"
    case .notUnderstood(let what): "the node's answer has no \(what)"
    }
  }
}

/// Calls a node's API.
public struct ChainClient: Sendable {
  public let address: SocketAddress
  private let http: HTTPClient
  private let loop: EventLoop

  /// A client that connects when it is first used.
  public init(to address: SocketAddress, on loop: EventLoop) {
    (self.address, self.loop) = (address, loop)
    http = HTTPClient(to: address, on: loop)
  }

  private static let limits = JSON.Limits(bytesMax: 16 << 20, valuesMax: 1_000_000)

  /// What a call comes to.
  public func call(_ name: String, _ fields: JSON = [:]) async throws(ChainClientFailure) -> JSON {
    let response: HTTPResponse
    do throws(HTTPClientFailure) {
      response = try await http.send(
        .post,
        "/api/\(name)",
        fields: ["content-type": "application/json"],
        body: fields.bytes()
      )
    } catch {
      throw .noAnswer("no node answers at \(address): \(error)")
    }
    guard let answer = try? JSON(parsing: response.body, limits: Self.limits) else {
      throw .noAnswer("\(address) answers with status \(response.status) and no JSON")
    }
    if let message = answer["error"]?.string {
      throw .refused(code: answer["code"]?.string ?? "unknown", message: message)
    }
    guard let result = answer["result"] else { throw .notUnderstood("result") }
    return result
  }

  /// What came of a transaction, once a block has it.
  public func outcome(of id: String) async throws(ChainClientFailure) -> JSON {
    while true {
      do throws(ChainClientFailure) {
        return try await call("chain_getReceipt", ["id": JSON(id)])
      } catch .refused(let code, let message) {
        guard code == "no_transaction" else { throw .refused(code: code, message: message) }
      }
      do {
        try await loop.sleep(for: .milliseconds(100))
      } catch {
        throw .noAnswer("cancelled while transaction \(id) waits for a block")
      }
    }
  }

  /// Ends the connections.
  public func close() async { await http.close() }
}

extension JSON {
  /// Text that must be there.
  func text(_ key: String) throws(ChainClientFailure) -> String {
    guard let text = self[key]?.string else { throw .notUnderstood(key) }
    return text
  }

  /// A whole number, as a number or in a string.
  func number<I: FixedWidthInteger>(_ key: String) throws(ChainClientFailure) -> I {
    guard let number: I = self[key]?.decimal() else { throw .notUnderstood(key) }
    return number
  }

  /// Bytes in hexadecimal.
  func bytes(_ key: String) throws(ChainClientFailure) -> [UInt8] {
    guard let bytes = [UInt8](hex: try text(key)) else { throw .notUnderstood(key) }
    return bytes
  }
}
