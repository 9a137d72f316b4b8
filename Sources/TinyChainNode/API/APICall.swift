import Kernel
import TinyChain

/// The fields of one call, read strictly: a field of the wrong type is an error that names it.
struct APICall: Sendable {
  let fields: JSON

  func optionalText(_ name: String, max: Int = 1_024) throws(APIFailure) -> String? {
    guard let value = fields[name], !value.isNull else { return nil }
    guard let text = value.string else { throw .field(name, "must be a string, not \(value.kind)") }
    guard text.utf8.count <= max else { throw .field(name, "has more than \(max) bytes") }
    return text
  }

  func text(_ name: String, max: Int = 1_024) throws(APIFailure) -> String {
    try required(try optionalText(name, max: max), name)
  }

  func required<Value>(_ value: Value?, _ name: String) throws(APIFailure) -> Value {
    guard let value else { throw APIFailure("missing_field", "\(name) is missing") }
    return value
  }

  /// Whole, as a number or in a string.
  func optionalInteger<I: FixedWidthInteger>(
    _ name: String,
    _ range: ClosedRange<I>
  ) throws(APIFailure) -> I? {
    guard let value = fields[name], !value.isNull else { return nil }
    guard let integer: I = value.decimal(), range.contains(integer) else {
      throw .field(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  func hex(_ name: String, max: Int) throws(APIFailure) -> [UInt8] {
    guard let bytes = [UInt8](hex: try text(name, max: 2 * max)) else {
      throw .field(name, "must be hexadecimal digits, two a byte")
    }
    return bytes
  }

  func optionalHex(_ name: String, max: Int) throws(APIFailure) -> [UInt8]? {
    try optionalText(name, max: 2 * max) == nil ? nil : try hex(name, max: max)
  }
}
