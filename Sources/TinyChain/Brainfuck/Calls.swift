public import Kernel

/// An account: 20 bytes, ordered as bytes are.
public struct Address: Hashable, Comparable, Sendable, CustomStringConvertible {
  public static let size = 20
  /// Nobody's account, whose tape is the commons.
  public static let zero = Address(first: 0, last: 0)

  /// Little-endian loads of bytes 0..<16 and 16..<20.
  private let first: UInt128
  private let last: UInt32

  private init(first: UInt128, last: UInt32) {
    (self.first, self.last) = (first, last)
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    self.init(first: try reader.uint128(), last: try reader.uint32())
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(first)
    writer.integer(last)
  }

  public var bytes: [UInt8] {
    var writer = ByteWriter(capacity: Self.size)
    encode(into: &writer)
    return writer.bytes
  }

  public var description: String { bytes.hex }

  public static func < (a: Self, b: Self) -> Bool {
    if a.first != b.first { return a.first.byteSwapped < b.first.byteSwapped }
    return a.last.byteSwapped < b.last.byteSwapped
  }
}

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
    self.caller = caller
    self.contract = contract
    self.value = value
    self.gas = gas
    self.data = data
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
  case outOfGas
  case reverted
  case leftTape
  /// A frame begins with this byte, which begins none.
  case unknownFrame(UInt8)
  /// The program ended within a frame.
  case unfinishedFrame
  /// INFO about something there is not.
  case unknownItem(UInt8)
  /// More than `Call.dataMax` bytes.
  case answerTooLong
  case balanceTooLow
  /// The contract is running already.
  case reentered
  case tooDeep
  case invalidCode
}

/// What a contract sees of the chain and does to it.
///
/// A host undoes what a failed call did, and refuses with `reentered` and `tooDeep`: see `CallStack`.
public protocol ContractHost {
  var height: UInt64 { get }
  /// In seconds.
  var time: UInt64 { get }
  func balance(of account: Address) -> UInt64
  func exists(_ account: Address) -> Bool
  /// 256 bytes of the contract's tape; nil for a page that was never written.
  func page(_ index: UInt8, of contract: Address) -> [UInt8]?
  mutating func setPage(_ index: UInt8, of contract: Address, to bytes: [UInt8])
  mutating func emit(_ event: [UInt8], from contract: Address)
  /// False, with nothing moved, if the balance is too low.
  mutating func transfer(_ value: UInt64, from: Address, to: Address) -> Bool
  /// Moves the value and runs the contract, if the account has one.
  mutating func call(_ call: Call) -> Outcome
  /// A new contract with this value; nil, with nothing done, if the creator's balance is too low.
  mutating func create(_ code: BrainfuckCode, value: UInt64, by creator: Address) -> Address?
}

extension ContractHost {
  /// To bring an account into being by sending to it costs more.
  func sendingPrice(of value: UInt64, to account: Address) -> UInt64 {
    value > 0 && !exists(account) ? GasPrice.newAccount : 0
  }
}

/// The contracts that are running, each having called the next.
public struct CallStack: Hashable, Sendable {
  private var running: [Address] = []

  public init() {}

  /// - Throws: `reentered` or `tooDeep`.
  public mutating func enter(_ contract: Address) throws(CallFailure) {
    guard !running.contains(contract) else { throw .reentered }
    guard running.count < Call.depthMax else { throw .tooDeep }
    running.append(contract)
  }

  public mutating func leave() {
    running.removeLast()
  }
}

/// What things cost beyond the instructions of a program.
public enum GasPrice {
  /// For a page of 256 cells the pointer comes to the first time in a call.
  public static let pageLoad: UInt64 = 20
  /// For a page that differs at the end of a call.
  public static let pageWrite: UInt64 = 200
  /// For one that was never written before, instead.
  public static let pageFirstWrite: UInt64 = 2_000
  public static let newAccount: UInt64 = 2_000

  /// Of a frame of this many bytes, all of them counted.
  public static func frame(bytes: Int) -> UInt64 { 50 + UInt64((bytes + 7) / 8) }

  /// For the hash, beyond its frame.
  public static func sha256(bytes: Int) -> UInt64 { 60 + 12 * UInt64((bytes + 63) / 64) }

  /// For keeping code.
  public static func code(bytes: Int) -> UInt64 { 200 * UInt64((bytes + 31) / 32) }

  /// For decoding code at each call, whatever a host may have kept.
  ///
  /// Without it a call of large code would take time out of proportion to its gas.
  public static func codeLoad(bytes: Int) -> UInt64 { UInt64(bytes) }

  /// What goes down with a call: at most 63/64, so that the caller can act on a failure.
  public static func forwarded(_ asked: UInt64, of left: UInt64) -> UInt64 {
    min(asked, left - left / 64)
  }
}
