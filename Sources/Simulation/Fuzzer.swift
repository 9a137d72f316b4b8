import Kernel

/// A decoder or state machine under attack: valid inputs to start from, and what must hold of any.
public struct FuzzTarget: Sendable {
  public let name: String
  /// Valid inputs: each must be accepted, or the fuzzing would test nothing.
  public let seeds: [[UInt8]]
  /// How the target treats an input.
  ///
  /// It must not trap.
  ///
  /// For a codec: whatever decodes encodes to the same bytes.
  public let verdict: @Sendable (_ input: [UInt8]) -> FuzzVerdict
  /// Decoders' cases in whose time it does one, about: it gets so many fewer.
  public let cost: UInt64

  public init(
    _ name: String,
    seeds: [[UInt8]],
    cost: UInt64 = 1,
    verdict: @escaping @Sendable (_ input: [UInt8]) -> FuzzVerdict
  ) {
    self.name = name
    self.seeds = seeds
    self.cost = cost
    self.verdict = verdict
  }
}

public enum FuzzVerdict: Hashable, Sendable {
  /// Always allowed, except for a seed.
  case refused
  case accepted
  /// The property does not hold.
  case broken(String)
}

/// An input that broke a target's property.
public struct FuzzFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public let target: String
  public let seed: UInt64
  /// Case `n` of a seed is the same whatever cases run before it.
  public let number: UInt64
  public let input: [UInt8]
  public let problem: String

  public var description: String {
    "\(target): seed \(seed), case \(number): \(problem); input \(input.hex)"
  }
}

/// Mutates valid inputs and sees that the property still holds.
///
/// First each seed as it is, then mutations stacked on seeds: flipped bits, extreme bytes and
/// lengths, truncation, extension, cut, repeated and exchanged pieces, now and then plain noise.
public struct Fuzzer: Sendable {
  public let target: FuzzTarget
  public let seed: UInt64

  /// Bytes of the longest input tried: a little more than the longest frame.
  static let inputMax = 70_000

  public init(_ target: FuzzTarget, seed: UInt64) {
    precondition(!target.seeds.isEmpty)
    self.target = target
    self.seed = seed
  }

  /// Runs cases in order until one fails.
  ///
  /// - Parameters:
  ///   - cases: their numbers; the seeds come first.
  ///   - before: called with each case's number first, so that a trap can be traced.
  /// - Returns: how many inputs were accepted.
  /// - Throws: `FuzzFailure` of the first case that broke the property, or of a seed refused.
  public func run(
    cases: Range<UInt64>,
    before: (UInt64) -> Void = { _ in }
  ) throws(FuzzFailure) -> UInt64 {
    var accepted: UInt64 = 0
    for number in cases {
      before(number)
      let input = input(number)
      switch target.verdict(input) {
      case .accepted: accepted += 1
      case .refused where number >= target.seeds.count: break
      case .refused: throw failure(number, input, "a valid input is refused")
      case .broken(let problem): throw failure(number, input, problem)
      }
    }
    return accepted
  }

  private func failure(_ number: UInt64, _ input: [UInt8], _ problem: String) -> FuzzFailure {
    FuzzFailure(target: target.name, seed: seed, number: number, input: input, problem: problem)
  }

  /// The input of a case.
  public func input(_ number: UInt64) -> [UInt8] {
    if number < target.seeds.count { return target.seeds[Int(number)] }
    var mixer = SplitMix64(seed: number)
    var random = SplitMix64(seed: seed ^ mixer.next())
    if Int.random(in: 0..<64, using: &random) == 0 {
      return (0..<Int.random(in: 0...300, using: &random)).map { _ in random.byte() }
    }
    var input = target.seeds[Int.random(in: target.seeds.indices, using: &random)]
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      mutate(&input, using: &random)
    }
    return input
  }

  private enum Mutation: CaseIterable {
    case flipBit
    case randomByte
    case extremeByte
    case addToByte
    case extremeInteger
    case truncate
    case extend
    case removePiece
    case repeatPiece
    case movePiece
    case splice
  }

  private func mutate(_ input: inout [UInt8], using random: inout SplitMix64) {
    let mutation = Mutation.allCases[Int.random(in: Mutation.allCases.indices, using: &random)]
    guard !input.isEmpty || mutation == .extend || mutation == .splice else { return }
    switch mutation {
    case .flipBit:
      input[random.index(of: input)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case .randomByte:
      input[random.index(of: input)] = random.byte()
    case .extremeByte:
      input[random.index(of: input)] = [0, 1, 0x7f, 0x80, 0xfe, 0xff].randomElement(random.next())
    case .addToByte:
      input[random.index(of: input)] &+= [1, 2, 0xfe, 0xff].randomElement(random.next())
    case .extremeInteger:
      overwriteInteger(&input, using: &random)
    case .truncate:
      input.removeLast(Int.random(in: 1...input.count, using: &random))
    case .extend:
      let count = Int.random(in: 1...64, using: &random)
      input += (0..<count).map { _ in random.byte() }
    case .removePiece:
      input.removeSubrange(random.piece(of: input))
    case .repeatPiece:
      let piece = random.piece(of: input)
      input.insert(contentsOf: Array(input[piece]), at: piece.upperBound)
    case .movePiece:
      let piece = random.piece(of: input)
      let bytes = Array(input[piece])
      input.removeSubrange(piece)
      input.insert(contentsOf: bytes, at: Int.random(in: 0...input.count, using: &random))
    case .splice:
      let other = target.seeds[Int.random(in: target.seeds.indices, using: &random)]
      let head = input.prefix(Int.random(in: 0...input.count, using: &random))
      input = head + other.suffix(Int.random(in: 0...other.count, using: &random))
    }
    if input.count > Self.inputMax { input.removeLast(input.count - Self.inputMax) }
  }

  /// What a length or count field would be attacked with, in either byte order.
  private func overwriteInteger(_ input: inout [UInt8], using random: inout SplitMix64) {
    let width = [1, 2, 4, 8].randomElement(random.next())
    guard input.count >= width else { return }
    let count = UInt64(input.count)
    let value = [0, 1, count &- 1, count, count + 1, 1 << 15, 1 << 31, 1 << 63, .max, .max - 1]
      .randomElement(random.next())
    let isLittleEndian = random.next() & 1 == 0
    let offset = Int.random(in: 0...input.count - width, using: &random)
    for index in 0..<width {
      let shift = UInt64(8 * (isLittleEndian ? index : width - 1 - index))
      input[offset + index] = UInt8(truncatingIfNeeded: value >> shift)
    }
  }
}

extension SplitMix64 {
  fileprivate mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }

  fileprivate mutating func index(of input: [UInt8]) -> Int {
    Int.random(in: input.indices, using: &self)
  }

  /// Up to 40 bytes, or up to all of them.
  fileprivate mutating func piece(of input: [UInt8]) -> Range<Int> {
    let start = index(of: input)
    let room = input.count - start
    let limit = next() & 3 == 0 ? room : min(40, room)
    return start..<start + Int.random(in: 1...limit, using: &self)
  }
}

extension Array {
  /// An element chosen by a random number; the array is not empty.
  fileprivate func randomElement(_ number: UInt64) -> Element {
    self[Int(number % UInt64(count))]
  }
}
