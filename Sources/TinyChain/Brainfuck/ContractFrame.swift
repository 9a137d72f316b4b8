import Kernel

/// What a contract says to the world, by writing it.
///
/// Integers are little-endian.
enum ContractFrame: Hashable {
  /// 00 ‖ length 2 ‖ data
  case answer([UInt8])
  /// 01 ‖ to 20 ‖ value 8 ‖ gas 8 ‖ length 2 ‖ data
  case call(to: Address, value: UInt64, gas: UInt64, data: [UInt8])
  /// 02 ‖ length 2 ‖ data
  case event([UInt8])
  /// 03 ‖ to 20 ‖ value 8
  case send(to: Address, value: UInt64)
  /// 04 ‖ length 2 ‖ data
  case revert([UInt8])
  /// 05 ‖ item 1
  case info(item: UInt8)
  /// 06 ‖ value 8 ‖ gas 8 ‖ length 2 ‖ code
  case create(value: UInt64, gas: UInt64, code: [UInt8])
  /// 07 ‖ length 2 ‖ data
  case sha256([UInt8])

  /// Bytes of each kind up to and with its length.
  private static let heads = [3, 39, 3, 29, 3, 2, 19, 3]
  private static let kindsWithoutData: Set<UInt8> = [3, 5]

  /// How long the frame gets, as far as its first bytes tell; at least one is there.
  ///
  /// - Throws: `unknownFrame`.
  static func size(startingWith start: [UInt8]) throws(CallFailure) -> Int {
    guard start[0] < heads.count else { throw .unknownFrame(start[0]) }
    let head = heads[Int(start[0])]
    guard start.count >= head, !kindsWithoutData.contains(start[0]) else { return head }
    return head + Int(start[head - 2]) + Int(start[head - 1]) << 8
  }

  /// A frame that is whole, as `size` has it.
  init(_ bytes: [UInt8]) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    let kind = try reader.uint8()
    switch kind {
    case 0: self = .answer(try Self.data(&reader))
    case 1:
      self = .call(
        to: try Address(from: &reader),
        value: try reader.uint64(),
        gas: try reader.uint64(),
        data: try Self.data(&reader)
      )
    case 2: self = .event(try Self.data(&reader))
    case 3: self = .send(to: try Address(from: &reader), value: try reader.uint64())
    case 4: self = .revert(try Self.data(&reader))
    case 5: self = .info(item: try reader.uint8())
    case 6:
      self = .create(
        value: try reader.uint64(),
        gas: try reader.uint64(),
        code: try Self.data(&reader)
      )
    case 7: self = .sha256(try Self.data(&reader))
    default: throw reader.failure(.unknown("frame"))
    }
    try reader.finish()
  }

  private static func data(_ reader: inout ByteReader) throws(DecodingFailure) -> [UInt8] {
    try reader.array(Int(try reader.uint16()))
  }
}
