import Kernel
import Service
public import TinyChain

/// What a network of mined blocks starts from.
///
/// ```toml
/// network = "main"
/// genesis_time = 1800000000      # seconds since 1970
/// first_target = "0000ffff…"     # of block 1, 64 hexadecimal digits
///
/// [allocations]                  # units; a coin has a million
/// tiny1… = 250000000
/// ```
///
/// The networks for development have their own of all this. A file for one may set any of these keys;
/// `interval`, in seconds; and `half_life`, in seconds, for targets by ASERT as main has them. Its first
/// target may be easier than any of the network's own, which makes it the easiest there can be. All
/// that makes it another network: for tests and demonstrations.
public struct LaunchFile: Sendable {
  public let parameters: NetworkParameters

  /// 10,000 accounts of 64 bytes.
  public static let bytesMax = 1 << 20

  /// Reads a whole file.
  ///
  /// - Throws: `LaunchFileFailure` with the line, for a key that is unknown, missing or wrong.
  public init(parsing bytes: [UInt8], for network: NetworkChoice) throws(LaunchFileFailure) {
    let toml: TOML
    do {
      toml = try TOML(parsing: bytes)
    } catch {
      throw LaunchFileFailure(line: error.line, reason: error.reason)
    }
    try Self.checkKeys(of: toml)
    let name = try Self.text("network", in: toml)
    guard name?.text == network.rawValue else {
      throw LaunchFileFailure(
        line: name?.line ?? 1,
        reason: "this is no launch file of '\(network.rawValue)'"
      )
    }
    let time = try Self.number("genesis_time", in: 0...Self.timeMax, of: toml).map(UInt64.init)
    let interval = try Self.number("interval", in: 1...Self.intervalMax, of: toml)
    if network == .main, interval != nil {
      throw LaunchFileFailure(line: 1, reason: "the interval of main is not to be set")
    }
    let halfLife = try Self.number("half_life", in: 1...Self.halfLifeMax, of: toml)
    if network == .main, halfLife != nil {
      throw LaunchFileFailure(line: 1, reason: "the half-life of main is not to be set")
    }
    let target = try Self.target(in: toml)
    let allocations = try Self.allocations(in: toml, isMain: network == .main)
    switch network {
    case .main:
      guard let time else { throw LaunchFileFailure(line: 1, reason: "genesis_time is missing") }
      guard let target else { throw LaunchFileFailure(line: 1, reason: "first_target is missing") }
      parameters = .main(genesisTime: time, allocations: allocations, bits: target.compact)
      guard let limit = parameters.work?.limit, target <= limit else {
        throw LaunchFileFailure(line: 1, reason: "first_target is above the network's limit")
      }
    case .dev, .provable:
      var parameters = network == .dev ? NetworkParameters.minedDev : .provable
      parameters.genesisTime = time ?? parameters.genesisTime
      parameters.allocations += allocations
      if let target, var work = parameters.work {
        guard target <= Self.easiest else {
          throw LaunchFileFailure(line: 1, reason: "first_target leaves no work: two hashes it is")
        }
        (work.start, work.limit) = (target.compact, max(work.limit, target))
        parameters.work = work
      }
      if let interval { parameters.work?.interval = interval }
      if let halfLife { parameters.work?.retarget = .asert(halfLife: halfLife) }
      self.parameters = parameters
    }
  }

  private static let keys = ["network", "genesis_time", "first_target", "interval", "half_life"]
  /// Two hashes a block.
  private static let easiest = UInt256.max >> 1

  private static func checkKeys(of toml: TOML) throws(LaunchFileFailure) {
    for header in toml.headers where header.table != ["allocations"] {
      throw LaunchFileFailure(line: header.line, reason: "the only table here is [allocations]")
    }
    for entry in toml.entries where entry.table.isEmpty && !keys.contains(entry.key) {
      throw LaunchFileFailure(line: entry.line, reason: "unknown key '\(entry.key)'")
    }
  }

  private static func text(
    _ key: String,
    in toml: TOML
  ) throws(LaunchFileFailure) -> (text: String, line: Int)? {
    guard let entry = toml.entries.first(where: { $0.table.isEmpty && $0.key == key }) else {
      return nil
    }
    guard case .string(let text) = entry.value.content else {
      throw LaunchFileFailure(line: entry.line, reason: "\(key) is a text in quotes")
    }
    return (text, entry.line)
  }

  private static func number(
    _ key: String,
    in range: ClosedRange<Int64>,
    of toml: TOML
  ) throws(LaunchFileFailure) -> Int64? {
    guard let entry = toml.entries.first(where: { $0.table.isEmpty && $0.key == key }) else {
      return nil
    }
    guard case .integer(let integer) = entry.value.content, let number = Int64(exactly: integer),
      range.contains(number)
    else {
      throw LaunchFileFailure(
        line: entry.line,
        reason: "\(key) is a whole number from \(range.lowerBound) to \(range.upperBound)"
      )
    }
    return number
  }

  /// Some 35,000 years, so that sums of times stay in range.
  private static let timeMax: Int64 = 1 << 40
  /// A day: longer is no chain, and products with it stay in range.
  private static let intervalMax: Int64 = 86_400
  /// A month.
  private static let halfLifeMax: Int64 = 30 * 86_400

  private static func target(in toml: TOML) throws(LaunchFileFailure) -> UInt256? {
    guard let (text, line) = try text("first_target", in: toml) else { return nil }
    guard let bytes = Bytes32(hex: text), bytes != .zero else {
      throw LaunchFileFailure(line: line, reason: "first_target is 64 hexadecimal digits")
    }
    return UInt256(bigEndian: bytes)
  }

  private static func allocations(
    in toml: TOML,
    isMain: Bool
  ) throws(LaunchFileFailure) -> [(account: Address, units: UInt64)] {
    var allocations: [(account: Address, units: UInt64)] = []
    var sum: UInt64 = 0
    for entry in toml.entries where entry.table == ["allocations"] {
      guard let account = Address(entry.key, isMain: isMain) else {
        throw LaunchFileFailure(line: entry.line, reason: "\(entry.key) is no address")
      }
      guard case .integer(let number) = entry.value.content, let units = UInt64(exactly: number),
        units <= unitsMax - sum
      else {
        throw LaunchFileFailure(
          line: entry.line,
          reason: "an allocation is a whole number of units, all together at most \(unitsMax)"
        )
      }
      sum += units
      allocations.append((account, units))
    }
    return allocations
  }

  /// Half of what there can ever be: so there is room for the dev network's own, and for subsidies.
  private static let unitsMax: UInt64 = 1 << 62
}

/// What is wrong with a launch file, and where.
public struct LaunchFileFailure: Error, Hashable, CustomStringConvertible {
  public let line: Int
  public let reason: String

  public var description: String { "\(line): \(reason)" }
}
