public import Kernel

/// An account's name; zero is nobody's, whose tape is the commons.
public typealias Address = Bytes20

/// A message to a contract, the only way into it.
public struct Call: Hashable, Sendable {
  public var caller: Address
  public var contract: Address
  /// Goes from the caller's balance to the contract's.
  public var value: UInt64
  /// All the call may spend.
  public var gas: UInt64
  /// At most 65,535 bytes.
  public var data: [UInt8]

  public init(caller: Address, contract: Address, value: UInt64, gas: UInt64, data: [UInt8]) {
    (self.caller, self.contract) = (caller, contract)
    (self.value, self.gas, self.data) = (value, gas, data)
  }

  /// Bytes in a message or an answer, so that its length takes two.
  public static let dataMax = 65_535
  /// Calls inside one another.
  public static let depthMax = 64
}

/// How a call ended.
///
/// Every failure is one outcome to the chain: what the call did is undone, its gas is gone. Why is
/// told to whoever asks, and stands in no receipt.
public struct Outcome: Hashable, Sendable {
  public let failure: CallFailure?
  /// Zero after a failure.
  public let gasLeft: UInt64
  /// The answer, or what a revert says.
  public let data: [UInt8]

  public var isSuccess: Bool { failure == nil }

  public static func returned(_ data: [UInt8], gasLeft: UInt64) -> Outcome {
    Outcome(failure: nil, gasLeft: gasLeft, data: data)
  }

  public static func failed(_ failure: CallFailure, data: [UInt8] = []) -> Outcome {
    Outcome(failure: failure, gasLeft: 0, data: data)
  }
}

/// Why a call failed.
public enum CallFailure: Error, Hashable, Sendable {
  case outOfGas, reverted, leftTape, balanceTooLow, invalidCode
  /// The contract is running already; there are 64 calls inside one another.
  case reentered, tooDeep
  /// A frame begins with this byte, which begins none; INFO about something there is not.
  case unknownFrame(UInt8), unknownItem(UInt8)
  /// The program ended within a frame; it answers more than `Call.dataMax` bytes.
  case unfinishedFrame, answerTooLong
}

/// What things cost beyond the instructions of a program.
///
/// A page is 256 cells of a tape, or 256 bytes of an entry that a Lisp contract keeps.
public enum GasPrice {
  /// For a page the pointer comes to the first time in a call, or of an entry that is looked at.
  public static let pageLoad: UInt64 = 20
  /// For a page that differs at the end of a call, or of an entry that is written.
  public static let pageWrite: UInt64 = 200
  /// For one that was never written before, instead.
  public static let pageFirstWrite: UInt64 = 2_000
  public static let newAccount: UInt64 = 2_000
  /// For a value on a Lisp machine's heap that is made or changed.
  public static let change: UInt64 = 3

  /// For bytes that a Lisp machine looks at.
  public static func touch(bytes: Int) -> UInt64 { UInt64((bytes + 31) / 32) }

  /// What an entry counts as; there is none without a page.
  public static func pages(bytes: Int) -> UInt64 { UInt64(max(1, (bytes + 255) / 256)) }

  /// Of a frame of this many bytes, all of them counted; the data of an event cost 1 a byte more, as
  /// receipts keep them.
  public static func frame(bytes: Int) -> UInt64 { 50 + UInt64((bytes + 7) / 8) }

  /// For the hash, beyond its frame.
  public static func sha256(bytes: Int) -> UInt64 { 60 + 12 * UInt64((bytes + 63) / 64) }

  /// For keeping code.
  public static func code(bytes: Int) -> UInt64 { 200 * UInt64((bytes + 31) / 32) }

  /// For decoding code at each call, whatever may have been kept.
  ///
  /// Without it a call of large code would take time out of proportion to its gas.
  public static func codeLoad(bytes: Int) -> UInt64 { UInt64(bytes) }

  /// The same for reading and compiling source, which takes longer.
  public static func sourceLoad(bytes: Int) -> UInt64 { 4 * UInt64(bytes) }

  /// What goes down with a call: at most 63/64, so that the caller can act on a failure.
  public static func forwarded(_ asked: UInt64, of left: UInt64) -> UInt64 {
    min(asked, left - left / 64)
  }
}
