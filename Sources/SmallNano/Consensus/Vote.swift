public import EdDSA
public import Kernel

/// A round of voting on one slot.
///
/// Round 0 suffices unless the owner forks.
public struct Round: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let number: UInt16

  public static let zero = Round(0)

  public init(_ number: UInt16) {
    self.number = number
  }

  /// Saturates: a slot that fought through 65,535 rounds (45 days) stays in the last.
  public var next: Round { Round(number == .max ? .max : number + 1) }

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }

  public var description: String { number.description }
}

public enum VoteKind: UInt8, Sendable, CaseIterable {
  /// "I take this block for the slot's winner in this round."
  case normal = 0
  /// "A quorum voted normal for it in this round; I am locked on it."
  case final = 1
  /// "It is confirmed here." Always of round 0, at any time.
  case settled = 2
}

/// A representative's signed statement about blocks.
///
/// It counts only for the hashes it lists.
///
/// Layout: representative 32 ‖ signature 64 ‖ flags 1 (0) ‖ kind 1 ‖ round 2 ‖ timestamp ms 8 ‖
/// count 1 (1...255) ‖ count × hash 32. Signed: BLAKE2b-256, personal `smn.vote.v2`, of
/// chain id ‖ kind ‖ round ‖ timestamp ‖ count ‖ hashes.
public struct Vote: Hashable, Sendable {
  public let representative: Account
  public let kind: VoteKind
  public let round: Round
  /// Unix time of signing in milliseconds.
  ///
  /// Serves only the count of who is online.
  public let timestamp: UInt64
  public let hashes: [BlockHash]
  public let signature: Signature

  /// The count field's range.
  public static let hashesMax = 255

  public init(
    representative: Account,
    kind: VoteKind,
    round: Round,
    timestamp: UInt64,
    hashes: [BlockHash],
    signature: Signature
  ) {
    self.representative = representative
    self.kind = kind
    self.round = round
    self.timestamp = timestamp
    self.hashes = hashes
    self.signature = signature
  }

  /// What the signature signs.
  public static func digest(
    kind: VoteKind,
    round: Round,
    timestamp: UInt64,
    hashes: [BlockHash],
    on chain: ChainID
  ) -> Bytes32 {
    var hash = BLAKE2b(personal: "smn.vote.v2", capacity: 44 + 32 * hashes.count)
    hash.update(chain.bytes)
    hash.update(integer: kind.rawValue)
    hash.update(integer: round.number)
    hash.update(integer: timestamp)
    hash.update(integer: UInt8(hashes.count))
    for each in hashes {
      hash.update(each.bytes)
    }
    return hash.finalize()
  }

  public func digest(on chain: ChainID) -> Bytes32 {
    Self.digest(kind: kind, round: round, timestamp: timestamp, hashes: hashes, on: chain)
  }
}
