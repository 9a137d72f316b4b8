import Kernel
import Simulation
import SmallNano

/// A representative that lies, in one of two ways.
///
/// Wild: votes for both sides of a fork, for junk, in rounds of its choice, withholds, and replays.
/// Two-faced: each peer hears it vote for the one side of a fork, or for the other, in every round.
struct ByzantineRepresentative {
  private let cast: Cast
  private let checker: Checker
  private let node: Int

  init(_ cast: Cast, _ checker: Checker, _ node: Int) {
    self.cast = cast
    self.checker = checker
    self.node = node
  }

  func behaviour(isTwoFaced: Bool) -> Byzantine<SmallNanoMachine> {
    isTwoFaced ? twoFaced : wild
  }

  private var twoFaced: Byzantine<SmallNanoMachine> {
    Byzantine { message, to, _ in
      guard case .vote(let vote) = message, vote.value.kind == .normal,
        let key = cast.voters(of: node).first,
        vote.value.representative == Account(key.publicKey)
      else { return [message] }
      let sides = vote.value.hashes.map { hash in
        guard let block = checker.blocks[hash] else { return hash }
        let sides = (checker.rivals(of: block) + [hash]).sorted()
        return sides[to % sides.count]
      }
      let forged = Vote.signed(
        kind: .normal,
        round: vote.value.round,
        timestamp: vote.value.timestamp,
        hashes: sides,
        by: key,
        on: cast.parameters.chainID
      )
      return [.vote(forged)]
    }
  }

  private var wild: Byzantine<SmallNanoMachine> {
    let memory = Memory()
    return Byzantine { message, _, random in
      memory.note(message)
      switch random.below(8) {
      case 0: return []
      case 1: return [message] + forged(from: message, memory, using: &random)
      case 2: return forged(from: message, memory, using: &random)
      case 3: return [message] + memory.replay(using: &random)
      default: return [message]
      }
    }
  }

  private final class Memory {
    private var messages: [PeerMessage] = []
    private(set) var hashes: [BlockHash] = []

    func note(_ message: PeerMessage) {
      if messages.count < 200 { messages.append(message) }
      switch message {
      case .vote(let vote): hashes.append(contentsOf: vote.value.hashes)
      case .publish(let block): hashes.append(block.value.hash)
      default: return
      }
      if hashes.count > 100 { hashes.removeFirst(hashes.count - 100) }
    }

    func replay(using random: inout SplitMix64) -> [PeerMessage] {
      messages.isEmpty ? [] : [messages[Int(random.below(UInt64(messages.count)))]]
    }
  }

  /// Votes of its own making, about what it last spoke of.
  private func forged(
    from message: PeerMessage,
    _ memory: Memory,
    using random: inout SplitMix64
  ) -> [PeerMessage] {
    guard let key = cast.voters(of: node).first else { return [] }
    var targets: [BlockHash] = []
    if !memory.hashes.isEmpty {
      let hash = memory.hashes[Int(random.below(UInt64(memory.hashes.count)))]
      targets.append(hash)
      // The other side, if the slot is forked.
      if let block = checker.blocks[hash] {
        let rivals = checker.rivals(of: block)
        if !rivals.isEmpty, random.below(4) > 0 {
          targets = [rivals[Int(random.below(UInt64(rivals.count)))]]
        }
      }
    }
    if random.below(6) == 0 {
      targets = [BlockHash(Bytes32(words: (random.next(), 0, 0, 0)))]
    }
    guard !targets.isEmpty else { return [] }
    let kind: VoteKind = [.normal, .final, .settled, .final][Int(random.below(4))]
    let round = kind == .settled ? 0 : UInt16(random.below(3) > 0 ? 0 : random.below(4))
    let vote = Vote.signed(
      kind: kind,
      round: Round(round),
      timestamp: timestamp(of: message),
      hashes: targets,
      by: key,
      on: cast.parameters.chainID
    )
    return [.vote(vote)]
  }

  private func timestamp(of message: PeerMessage) -> UInt64 {
    switch message {
    case .vote(let vote): vote.value.timestamp
    case .hello(let hello): hello.value.timestamp
    default: 0
    }
  }
}

extension Checker {
  /// Other blocks that were made for a block's slot, in order of hash.
  func rivals(of block: Block) -> [BlockHash] {
    blocks.values.filter { $0.slot == block.slot && $0.hash != block.hash }.map(\.hash).sorted()
  }
}
