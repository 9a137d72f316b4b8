import Kernel

/// What a payer tells a payee beside the amount.
public enum Memo: Hashable, Sendable {
  case none
  case text(String)
  case opaque([UInt8])
  /// Sealed by somebody who does not keep to the format; the money is good all the same.
  case unreadable

  /// Bytes of a text that fit the largest memo: 512 less amount, type and length.
  public static let bytesMax = 501

  private static let plainSizes = [64, 128, 256, 512]

  /// With the tag.
  static let sealedSizes = plainSizes.map { $0 + ChaCha20Poly1305.tagSize }

  /// u64 amount ‖ u8 type ‖ u16 length ‖ data ‖ zeros up to one of four sizes; nil if it is too
  /// long, or the unreadable one.
  func plaintext(amount: Amount) -> [UInt8]? {
    let (type, data): (UInt8, [UInt8])
    switch self {
    case .none: (type, data) = (0, [])
    case .text(let text): (type, data) = (1, Array(text.utf8))
    case .opaque(let bytes): (type, data) = (2, bytes)
    case .unreadable: return nil
    }
    guard let size = Self.plainSizes.first(where: { $0 >= 11 + data.count }) else { return nil }
    var writer = ByteWriter(capacity: size)
    writer.integer(amount.units)
    writer.integer(type)
    writer.integer(UInt16(data.count))
    writer.array(data)
    writer.array([UInt8](repeating: 0, count: size - 11 - data.count))
    return writer.bytes
  }

  /// Never fails: a payer's bad memo must not hide the payment.
  static func read(_ plaintext: [UInt8]) -> (amount: Amount, memo: Memo)? {
    var reader = ByteReader(plaintext)
    guard let units = try? reader.uint64() else { return nil }  // nil: shorter than any memo
    return (Amount(units), (try? memo(from: &reader)) ?? .unreadable)
  }

  private static func memo(from reader: inout ByteReader) throws(DecodingFailure) -> Memo {
    let type = try reader.uint8()
    let data = try reader.array(Int(try reader.uint16()))
    guard try reader.array(reader.remaining).allSatisfy({ $0 == 0 }) else {
      throw reader.failure(.notCanonical("padding"))
    }
    switch type {
    case 0 where data.isEmpty: return .none
    case 1 where StrictUTF8.firstInvalidIndex(in: data) == nil:
      return .text(String(decoding: data, as: UTF8.self))
    case 2: return .opaque(data)
    default: throw reader.failure(.unknown("memo type"))
    }
  }
}
