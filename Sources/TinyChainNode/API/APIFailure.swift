import HTTP
import Kernel
import TinyChain

/// Why a call was not carried out: `{"error": text, "code": name, "status": number}`.
public struct APIFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// Of HTTP.
  public let status: Int
  /// Stable: programs compare it.
  public let code: String
  public let message: String

  public init(status: Int = 400, _ code: String, _ message: String) {
    (self.status, self.code, self.message) = (status, code, message)
  }

  public var description: String { "\(message) (\(code))" }

  /// What any error of an action is to the client.
  init(any error: any Error) {
    switch error {
    case let failure as APIFailure: self = failure
    case let rejection as Rejection: self.init(rejection)
    default: self.init(status: 503, "unavailable", "\(error)")
    }
  }

  static func field(_ name: String, _ problem: String) -> APIFailure {
    APIFailure("bad_field", "\(name) \(problem)")
  }

  var response: HTTPResponse {
    let body: JSON = ["error": JSON(message), "code": JSON(code), "status": JSON(status)]
    return HTTPResponse(
      status: status,
      contentType: "application/json",
      body: body.bytes() + [10]
    )
  }
}
