/// Bech32m (BIP-350) of payloads that fill their digits, of any length.
public enum Bech32m {
  private static let alphabet: [UInt8] = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
  /// What tells Bech32m from Bech32.
  private static let constant: UInt32 = 0x2bc8_30a3
  private static let checksumDigits = 6

  public static func text(prefix: String, payload: [UInt8]) -> String {
    precondition((payload.count * 8).isMultiple(of: 5))
    let prefix = Array(prefix.utf8)
    var digits = convert(payload, from: 8, to: 5)
    let state = digits.reduce(checksum(ofPrefix: prefix), step)
    let checked = (0..<checksumDigits).reduce(state) { state, _ in step(state, 0) } ^ constant
    digits += (0..<checksumDigits).map { UInt8(checked >> UInt32(5 * (5 - $0)) & 31) }
    return String(
      decoding: prefix + [UInt8(ascii: "1")] + digits.map { alphabet[Int($0)] },
      as: UTF8.self
    )
  }

  /// Reads one of the given prefixes and a payload of `size` bytes.
  public static func payload(
    of text: [UInt8],
    prefixes: [String],
    size: Int
  ) throws(Bech32mFailure) -> (prefix: String, bytes: [UInt8]) {
    precondition((size * 8).isMultiple(of: 5))
    let lower = text.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    let isUpper = text.allSatisfy { !(UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    guard let prefix = prefixes.first(where: { lower.starts(with: Array("\($0)1".utf8)) }) else {
      throw .wrongPrefix
    }
    let start = prefix.utf8.count + 1
    guard text.count == start + size * 8 / 5 + checksumDigits else {
      throw .wrongLength(text.count)
    }
    guard lower == text || isUpper else { throw .mixedCase }
    var digits: [UInt8] = []
    for character in lower[start...] {
      guard let digit = alphabet.firstIndex(of: character) else {
        throw .unknownCharacter(Character(UnicodeScalar(character)))
      }
      digits.append(UInt8(digit))
    }
    guard digits.reduce(checksum(ofPrefix: Array(prefix.utf8)), step) == constant else {
      throw .wrongChecksum
    }
    return (prefix, convert(digits.dropLast(checksumDigits), from: 5, to: 8))
  }

  private static func checksum(ofPrefix prefix: [UInt8]) -> UInt32 {
    let expanded = prefix.map { $0 >> 5 } + [0] + prefix.map { $0 & 31 }
    return expanded.reduce(1, step)
  }

  /// One step of the BCH code over GF(32).
  private static func step(_ state: UInt32, _ digit: UInt8) -> UInt32 {
    let generators: [UInt32] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
    let top = state >> 25
    var next = (state & 0x1ff_ffff) << 5 ^ UInt32(digit)
    for (bit, generator) in generators.enumerated() where top >> UInt32(bit) & 1 == 1 {
      next ^= generator
    }
    return next
  }

  /// Groups of bits, most significant first; the caller knows that nothing is left over.
  private static func convert(_ groups: some Sequence<UInt8>, from: Int, to: Int) -> [UInt8] {
    var buffer: UInt32 = 0
    var bits = 0
    var converted: [UInt8] = []
    for group in groups {
      buffer = buffer << UInt32(from) | UInt32(group)
      bits += from
      while bits >= to {
        bits -= to
        converted.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)) & UInt8(1 << to - 1))
      }
      buffer &= 1 << UInt32(bits) - 1
    }
    return converted
  }
}

/// Why a text is not Bech32m of what was asked for.
public enum Bech32mFailure: Error, Hashable, Sendable {
  case wrongPrefix
  case wrongLength(Int)
  case mixedCase
  case unknownCharacter(Character)
  case wrongChecksum
}
