import Mesh
import Service

/// Why a wallet did not do what it was asked, in words that say what to do instead.
public struct WalletProblem: Error, Hashable, CustomStringConvertible {
  /// Stable: scripts branch on it.
  public enum Code: String, CaseIterable, Sendable {
    // The files.
    case noWallet = "no_wallet"
    case walletExists = "wallet_exists"
    case notAWallet = "not_a_wallet"
    case walletDamaged = "wallet_damaged"
    case walletNewer = "wallet_newer"
    case wrongPassword = "wrong_password"
    case noMemory = "no_memory"
    case stateFailed = "state_failed"
    case otherNetwork = "other_network"
    case fileFailed = "file_failed"
    case notConfigured = "not_configured"
    case inUse = "wallet_in_use"
    // What was asked.
    case badCommand = "bad_command"
    case badAddress = "bad_address"
    case badAmount = "bad_amount"
    case badMemo = "bad_memo"
    case unknownAsset = "unknown_asset"
    case watchOnly = "watch_only"
    case insufficientFunds = "insufficient_funds"
    case noSuchPayment = "no_such_payment"
    case alreadyReceived = "already_received"
    case badReceipt = "bad_receipt"
    case otherPayment = "other_payment"
    // The validators.
    case unreachable
    case underWay = "under_way"
    case busy
    case refused
    case overtaken
    case slotBlocked = "slot_blocked"
    case unreadable
    case agentFailed = "agent_failed"
  }

  public let code: Code
  public let description: String

  public init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}

extension WalletProblem {
  /// A failure of the machine, without what only the service knows of it.
  init(_ failure: WalletFailure) {
    let code: Code =
      switch failure {
      case .busy: .busy
      case .plan(.insufficientFunds): .insufficientFunds
      case .plan(.unpayable): .badMemo
      case .plan: .badCommand
      case .refused: .refused
      case .overtaken: .overtaken
      case .slotBlocked: .slotBlocked
      case .unreadable: .unreadable
      case .watchOnly: .watchOnly
      case .noSuchPayment: .noSuchPayment
      case .alreadyReceived: .alreadyReceived
      }
    let advice: String =
      switch failure {
      case .overtaken:
        ": another program uses the same keys; nothing of this payment was settled, try again"
      case .slotBlocked:
        ": two different transitions were signed for one place, for example by copies of this wallet "
          + "on two machines. Tier 1 cannot decide between them: the balance stays where it is; go on "
          + "with new keys"
      default: ""
      }
    self.init(code, failure.description + advice)
  }

  init(_ failure: FileFailure) {
    self.init(.fileFailed, failure.description)
  }
}
