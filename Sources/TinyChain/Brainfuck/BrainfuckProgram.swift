public import Kernel

/// The eight instructions; the raw value is the three-bit code of contracts.
public enum Opcode: UInt8, CaseIterable, Sendable {
  case right, left, increment, decrement, output, input, open, close

  /// Every executed instruction costs 1, arithmetic 3 more.
  public var gas: Int64 { self == .increment || self == .decrement ? 4 : 1 }

  public init?(_ character: UInt8) {
    guard let index = Self.characters.firstIndex(of: character) else { return nil }
    self.init(rawValue: UInt8(index))
  }

  public var character: UInt8 { Self.characters[Int(rawValue)] }

  private static let characters = Array("><+-.,[]".utf8)
}

/// Instructions whose brackets match.
public struct BrainfuckProgram: Hashable, Sendable {
  public let opcodes: [Opcode]
  /// For each bracket the index of its partner, and 0 for other instructions.
  let partners: [UInt32]

  /// As many as fit a transaction of 65,535 bytes.
  public static let opcodesMax = (65_535 - 5) * 8 / 3

  /// - Throws: `unbalanced` or `tooLong`.
  public init(_ opcodes: [Opcode]) throws(BrainfuckCodeFailure) {
    guard opcodes.count <= Self.opcodesMax else { throw .tooLong }
    var partners = [UInt32](repeating: 0, count: opcodes.count)
    var opened: [Int] = []
    for (index, opcode) in opcodes.enumerated() {
      if opcode == .open { opened.append(index) }
      if opcode == .close {
        guard let start = opened.popLast() else { throw .unbalanced(at: index) }
        partners[index] = UInt32(start)
        partners[start] = UInt32(index)
      }
    }
    if let start = opened.last { throw .unbalanced(at: start) }
    (self.opcodes, self.partners) = (opcodes, partners)
  }

  /// A program as people write it: whatever is no instruction is a comment.
  ///
  /// - Throws: `unbalanced` or `tooLong`.
  public init(source: some Sequence<UInt8>) throws(BrainfuckCodeFailure) {
    try self.init(source.compactMap { Opcode($0) })
  }

  /// The instructions as text.
  public var source: [UInt8] { opcodes.map(\.character) }
}

/// Why bytes are no program.
public enum BrainfuckCodeFailure: Error, Hashable, Sendable {
  case tooLong
  /// This instruction is a bracket without a partner.
  case unbalanced(at: Int)
  case malformed(DecodingFailure)
}

/// How a contract speaks with the world.
public enum BrainfuckMode: UInt8, Sendable {
  /// Its output is a stream of frames: see `ContractFrame`.
  case framed
  /// Its input is the call's data, its output what it returns: any program is a contract.
  case raw
}

/// Code on the wire: mode 1 ‖ number of instructions 4 ‖ instructions.
///
/// Three bits each, the first in the lowest bits of the first byte; the last byte's pad is zero.
public struct BrainfuckCode: Hashable, Sendable {
  public let mode: BrainfuckMode
  public let program: BrainfuckProgram

  public init(mode: BrainfuckMode, program: BrainfuckProgram) {
    (self.mode, self.program) = (mode, program)
  }

  public init(_ bytes: [UInt8]) throws(BrainfuckCodeFailure) {
    let mode: BrainfuckMode
    let opcodes: [Opcode]
    do throws(DecodingFailure) {
      var reader = ByteReader(bytes)
      guard let known = BrainfuckMode(rawValue: try reader.uint8()) else {
        throw reader.failure(.unknown("mode"))
      }
      mode = known
      let count = Int(try reader.uint32())
      guard count <= BrainfuckProgram.opcodesMax else { throw reader.failure(.tooLong("code")) }
      let packed = try reader.array((count * 3 + 7) / 8)
      try reader.finish()
      opcodes = Self.unpacked(packed, count: count)
      let used = count * 3 % 8
      let pad = used == 0 ? 0 : (packed.last ?? 0) >> used
      guard pad == 0 else { throw reader.failure(.notCanonical("pad")) }
    } catch {
      throw .malformed(error)
    }
    self.init(mode: mode, program: try BrainfuckProgram(opcodes))
  }

  public var bytes: [UInt8] {
    let count = UInt32(program.opcodes.count)
    return [mode.rawValue] + count.littleEndianBytes + Self.packed(program.opcodes)
  }

  /// Eight opcodes make three bytes.
  private static func packed(_ opcodes: [Opcode]) -> [UInt8] {
    stride(from: 0, to: opcodes.count, by: 8).flatMap { start in
      let group = opcodes[start..<min(start + 8, opcodes.count)]
      let bits = group.reversed().reduce(UInt32(0)) { $0 << 3 | UInt32($1.rawValue) }
      return bits.littleEndianBytes.prefix((group.count * 3 + 7) / 8)
    }
  }

  /// Of `bytes`, which hold at least `count` opcodes.
  private static func unpacked(_ bytes: [UInt8], count: Int) -> [Opcode] {
    (0..<count).map { index in
      let (byte, shift) = (index * 3 / 8, index * 3 % 8)
      let next = byte + 1 < bytes.count ? UInt16(bytes[byte + 1]) : 0
      let bits = (UInt16(bytes[byte]) | next << 8) >> shift & 7
      return Opcode.allCases[Int(bits)]
    }
  }
}
