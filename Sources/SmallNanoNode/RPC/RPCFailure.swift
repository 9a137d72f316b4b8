import HTTP
import Kernel
import SmallNano
import Storage
import Vault

/// Why a call was not carried out, as the client is told: `{"error": text, "code": name}`.
///
/// A call that was understood and refused is answered with status 200, as Nano's clients expect;
/// one that was not understood or not allowed with 4xx.
public struct RPCFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public let status: Int
  /// Stable: programs compare it.
  public let code: String
  public let message: String

  public init(status: Int = 200, _ code: String, _ message: String) {
    self.status = status
    self.code = code
    self.message = message
  }

  public var description: String { "\(message) (\(code))" }

  static func field(_ name: String, _ problem: String) -> RPCFailure {
    RPCFailure(status: 400, "bad_field", "\(name) \(problem)")
  }

  static let accountNotFound = RPCFailure("account_not_found", "the ledger holds no such account")

  static func blockNotFound(_ hash: BlockHash) -> RPCFailure {
    RPCFailure("block_not_found", "the ledger holds no block \(hash)")
  }

  /// What any error of a handler is to the client.
  init(_ error: any Error) {
    switch error {
    case let failure as RPCFailure: self = failure
    case let failure as WalletFailure: self.init(failure.code, "\(failure)")
    case let rejection as BlockRejection: self.init(rejection.name, rejection.explanation)
    case let failure as MnemonicFailure: self.init("bad_mnemonic", "\(failure)")
    case let failure as StorageFailure:
      self.init(status: 503, "ledger_unreadable", "the ledger cannot be read: \(failure)")
    case is CancellationError: self.init(status: 503, "cancelled", "the call was cancelled")
    default: self.init(status: 503, "node_unavailable", "\(error)")
    }
  }

  var response: HTTPResponse {
    HTTPResponse(
      status: status,
      contentType: "application/json",
      body: (["error": .string(message), "code": .string(code)] as JSON).bytes()
    )
  }
}
