import Kernel

// `smn_` + 52 characters (4 zero bits ‖ 256-bit key, most significant first, 5 bits each)
//        +  8 characters (checksum: the first 5 bytes of BLAKE2b-256(key), byte-reversed)

/// Why a text is not an address.
public enum AddressFailure: Error, Hashable, CustomStringConvertible {
  case wrongPrefix
  case wrongLength(Int)
  case unknownCharacter(Character)
  /// The first character holds 4 bits that must be zero, so that each account has one text.
  case paddingNotZero
  case wrongChecksum

  public var description: String {
    switch self {
    case .wrongPrefix: "an address starts with smn_"
    case .wrongLength(let count): "an address has 64 characters, this has \(count)"
    case .unknownCharacter(let character):
      "an address has no character \(String(character).debugDescription)"
    case .paddingNotZero: "an address starts with smn_1 or smn_3"
    case .wrongChecksum: "the checksum does not match: look for a mistyped character"
    }
  }
}

extension Account {
  private static let alphabet: [UInt8] = Array("13456789abcdefghijkmnopqrstuwxyz".utf8)

  public var address: String {
    var text = Array("smn_".utf8)
    text.reserveCapacity(64)
    Self.append(digits: 52, of: bytes.bytes, to: &text)
    Self.append(digits: 8, of: checksum, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  public init(address: some StringProtocol) throws(AddressFailure) {
    let text = Array(address.utf8)
    guard text.starts(with: Array("smn_".utf8)) else { throw .wrongPrefix }
    guard text.count == 64 else { throw .wrongLength(address.count) }
    let key = try Self.bits(text[4..<56], bytes: 32)
    guard key.overflow == 0 else { throw .paddingNotZero }
    guard let bytes = Bytes32(key.bytes) else { throw .wrongLength(address.count) }
    self.init(bytes)
    guard try Self.bits(text[56...], bytes: 5).bytes == checksum else { throw .wrongChecksum }
  }

  private var checksum: [UInt8] {
    var hash = BLAKE2b(capacity: 32)
    hash.update(bytes)
    let digest: Bytes32 = hash.finalize()
    return digest.bytes.prefix(5).reversed()
  }

  /// Writes a big-endian number in base 32, most significant digit first.
  private static func append(digits: Int, of bytes: [UInt8], to text: inout [UInt8]) {
    var buffer: UInt32 = 0
    var bits = digits * 5 - bytes.count * 8  // leading zero bits
    for byte in bytes {
      buffer = buffer << 8 | UInt32(byte)
      bits += 8
      while bits >= 5 {
        bits -= 5
        text.append(alphabet[Int(buffer >> UInt32(bits)) & 31])
      }
      buffer &= 1 << UInt32(bits) - 1
    }
  }

  /// Reads base 32 into its low `count` bytes, and what overflows them.
  private static func bits(
    _ digits: ArraySlice<UInt8>,
    bytes count: Int
  ) throws(AddressFailure) -> (overflow: UInt32, bytes: [UInt8]) {
    var bytes: [UInt8] = []
    var buffer: UInt32 = 0
    var overflow: UInt32 = 0
    var bits = -(digits.count * 5 - count * 8)
    for digit in digits {
      guard let value = alphabet.firstIndex(of: digit) else {
        throw .unknownCharacter(Character(UnicodeScalar(digit)))
      }
      buffer = buffer << 5 | UInt32(value)
      bits += 5
      if bits <= 5, bytes.isEmpty, bits > 0 {
        overflow |= buffer >> UInt32(bits)
        buffer &= 1 << UInt32(bits) - 1
      }
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
        buffer &= 1 << UInt32(bits) - 1
      }
    }
    return (overflow, bytes)
  }
}
