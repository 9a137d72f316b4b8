import Kernel

/// What a contract says to the world, by writing it: a byte for its kind, fields, length 2, data.
///
/// Integers are little-endian.
struct ContractFrame {
  /// What follows the kind.
  ///
  /// - 0 answer: length 2 ‖ data
  /// - 1 call: to 20 ‖ value 8 ‖ gas 8 ‖ length 2 ‖ data
  /// - 2 event: length 2 ‖ data
  /// - 3 send: to 20 ‖ value 8
  /// - 4 revert: length 2 ‖ data
  /// - 5 info: item 1
  /// - 6 create: value 8 ‖ gas 8 ‖ length 2 ‖ code
  /// - 7 sha256: length 2 ‖ data
  enum Kind: UInt8 {
    case answer, call, event, send, revert, info, create, sha256

    /// Bytes up to and with the length.
    var head: Int { [3, 39, 3, 29, 3, 2, 19, 3][Int(rawValue)] }
    var hasData: Bool { self != .send && self != .info }
  }

  let kind: Kind
  let bytes: [UInt8]

  /// How long the frame gets, as far as its first bytes tell; at least one is there.
  ///
  /// - Throws: `unknownFrame`.
  static func size(startingWith start: [UInt8]) throws(CallFailure) -> Int {
    guard let kind = Kind(rawValue: start[0]) else { throw .unknownFrame(start[0]) }
    guard start.count >= kind.head, kind.hasData else { return kind.head }
    return kind.head + Int(start[kind.head - 2]) + Int(start[kind.head - 1]) << 8
  }

  var data: [UInt8] { Array(bytes[kind.head...]) }

  func number(at offset: Int) -> UInt64 {
    bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  func address(at offset: Int) -> Address {
    Address(bytes[offset..<offset + Address.size]) ?? .zero
  }
}
