public import Kernel
public import TinyChain

/// A block's changes as bytes: for each key length 2 ‖ key ‖ before ‖ after; a value is
/// 00 for none, or 01 ‖ length 4 ‖ value.
public enum StateJournal {
  public static func bytes(of changes: [StateChange]) -> [UInt8] {
    var writer = ByteWriter(capacity: 1_024)
    for change in changes {
      writer.integer(UInt16(change.key.count))
      writer.array(change.key)
      for value in [change.before, change.after] {
        writer.integer(UInt8(value == nil ? 0 : 1))
        guard let value else { continue }
        writer.integer(UInt32(value.count))
        writer.array(value)
      }
    }
    return writer.bytes
  }

  public static func changes(of bytes: [UInt8]) throws(DecodingFailure) -> [StateChange] {
    var reader = ByteReader(bytes)
    var changes: [StateChange] = []
    while reader.remaining > 0 {
      let key = try reader.array(Int(try reader.uint16()))
      changes.append(
        StateChange(key: key, before: try value(&reader), after: try value(&reader))
      )
    }
    return changes
  }

  private static func value(_ reader: inout ByteReader) throws(DecodingFailure) -> [UInt8]? {
    switch try reader.uint8() {
    case 0: nil
    case 1: try reader.array(Int(try reader.uint32()))
    default: throw reader.failure(.unknown("value"))
    }
  }
}
