import CSodium
public import Kernel
import Service

/// A 32-byte seed as 24 English words (BIP-39), and back.
///
/// The words encode the seed itself, 256 bits and the first 8 of its SHA-256: BIP-39's further step,
/// which stretches the words with a passphrase into another seed, is not taken, so that a seed and
/// its words can each be restored from the other.
public enum Mnemonic {
  public static let wordCount = 24
  private static let bitsPerWord = 11

  /// The words of a seed of 32 bytes.
  ///
  /// They are the secret in readable form, in memory that nobody wipes: show them and let them go.
  public static func words(of seed: SecretBytes) -> [String] {
    precondition(seed.count == 32)
    var bits = BitReader(seed.withUnsafeBytes { Array($0) } + [checksum(of: seed)])
    defer { bits.wipe() }
    return (0..<wordCount).map { _ in String(MnemonicWords.all[bits.next(bitsPerWord)]) }
  }

  /// The seed of 24 words, separated by white space, in lower case.
  ///
  /// - Throws: `MnemonicFailure`, which says where the slip is and what the word may have been.
  public static func seed(of text: some StringProtocol) throws(MnemonicFailure) -> SecretBytes {
    let words = text.split { $0.isWhitespace }
    guard words.count == wordCount else { throw .wrongCount(words.count) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(33)  // so that no shorter copy is left behind
    var buffer: UInt32 = 0
    var held = 0
    for (place, word) in words.enumerated() {
      guard let index = MnemonicWords.index(of: word) else {
        let clipped = String(word.prefix(16))
        let suggestion = nearest(to: clipped, among: MnemonicWords.all.map(String.init))
        throw .unknownWord(clipped, place: place + 1, suggestion: suggestion)
      }
      buffer = buffer << UInt32(bitsPerWord) | UInt32(index)
      held += bitsPerWord
      while held >= 8 {
        held -= 8
        bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(held)))
      }
      buffer &= 1 << UInt32(held) - 1
    }
    let found = bytes.removeLast()
    let seed = SecretBytes(wiping: &bytes)
    guard checksum(of: seed) == found else { throw .wrongChecksum }
    return seed
  }

  /// The first byte of the seed's SHA-256.
  private static func checksum(of seed: SecretBytes) -> UInt8 {
    var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
    seed.withUnsafeBytes { seed in
      _ = crypto_hash_sha256(
        &digest,
        seed.octets,
        UInt64(seed.count)
      )
    }
    return digest[0]
  }

  /// Takes bits from bytes, most significant first.
  private struct BitReader {
    private var bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) {
      self.bytes = bytes
    }

    mutating func next(_ count: Int) -> Int {
      var value = 0
      for _ in 0..<count {
        value = value << 1 | Int(bytes[place / 8] >> UInt8(7 - place % 8) & 1)
        place += 1
      }
      return value
    }

    mutating func wipe() {
      bytes.withUnsafeMutableBytes { sodium_memzero($0.baseAddress, $0.count) }
    }
  }
}

/// Why a text is not the 24 words of a seed.
public enum MnemonicFailure: Error, Hashable, CustomStringConvertible {
  case wrongCount(Int)
  /// `place` counts from 1.
  case unknownWord(String, place: Int, suggestion: String?)
  /// Every word is in the list, but these words in this order belong to no seed.
  case wrongChecksum

  public var description: String {
    switch self {
    case .wrongCount(let count):
      "a seed has \(Mnemonic.wordCount) words, these are \(count)"
    case .unknownWord(let word, let place, let suggestion):
      "word \(place), \(word.debugDescription), is not in the list"
        + (suggestion.map { "; did you mean \($0)?" } ?? "")
    case .wrongChecksum:
      "the words do not fit together: one is another word of the list, or two changed places"
    }
  }
}
