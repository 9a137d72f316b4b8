import Kernel
public import TinyChain

/// A chain whose blocks are the commits of a repository.
///
/// With a store it takes up where it ended, and a crash at any write leaves it at some commit; without
/// one it begins at the genesis block each time.
public struct GitChain {
  /// What a commit came to.
  public struct Step: Sendable {
    public let height: UInt32
    public let commit: String
    public let block: ExecutedBlock
    /// Files and transactions that are no part of the block, each with its reason.
    public let refused: [(path: [UInt8], reason: String)]
  }

  /// What following a repository once came to.
  public struct Outcome: Sendable {
    /// Blocks taken back, because the repository's line no longer has their commits.
    public let undone: Int
    public let steps: [Step]
  }

  public private(set) var chain: Chain
  private let repository: GitRepository
  private let store: ChainStore?
  private let sequencer = GitSequencer()
  /// The commits of the blocks from height 1 on.
  private var line: [GitRepository.Commit]

  public init(_ parameters: NetworkParameters, _ repository: GitRepository) {
    (chain, self.repository, store, line) = (Chain(parameters), repository, nil, [])
  }

  public init(
    _ parameters: NetworkParameters,
    _ repository: GitRepository,
    store: ChainStore
  ) throws {
    chain = try store.chain(parameters)
    (self.repository, self.store) = (repository, store)
    line = try store.origins().map { GitRepository.Commit(name: $0.hex) }
  }

  /// Makes the chain that of the repository's line as it was fetched last.
  ///
  /// `watch` is told each block when it is kept.
  public mutating func follow(watch: (Step) -> Void = { _ in }) throws -> Outcome {
    let target = try repository.line(known: line)
    func names(_ line: [GitRepository.Commit]) -> [[UInt8]] {
      line.map { [UInt8](hex: $0.name) ?? [] }
    }
    let common = GitSequencer.common(names(line), names(target))
    let undone = line.count - common
    try undo(to: common)
    var steps: [Step] = []
    for commit in target[common...] {
      let step = try execute(commit)
      watch(step)
      steps.append(step)
    }
    return Outcome(undone: undone, steps: steps)
  }

  private mutating func undo(to height: Int) throws {
    if let store {
      while line.count > height {
        let (changes, parent) = try store.undoTip(at: chain.tip.header.height)
        chain.undo(changes, to: parent.header, id: parent.id)
        line.removeLast()
      }
    } else if line.count > height {
      // Nothing was kept to undo it with: the common part is executed again.
      let kept = line[..<height]
      (chain, line) = (Chain(chain.parameters), [])
      for commit in kept { _ = try execute(commit) }
    }
  }

  private mutating func execute(_ commit: GitRepository.Commit) throws -> Step {
    let (files, hostile) = try repository.files(of: commit, after: line.last)
    let (accepted, refused) = GitSequencer.transactions(in: files)
    let tip = chain.tip
    let draft = sequencer.draft(after: tip.header, at: 0, for: chain.parameters.treasury)
    var block = chain.executed(accepted, under: draft)
    let origin = [UInt8](hex: commit.name) ?? []
    block.name = GitSequencer.name(commit: origin, parent: tip.id)
    try store?.append(block, origin: origin)
    chain.append(block)
    line.append(commit)
    return Step(
      height: block.header.height,
      commit: commit.name,
      block: block,
      refused: hostile + refused.map { ($0.path, $0.reason.explanation) }
        + block.skipped.map {
          (Array("transaction \($0.transaction.id.hex)".utf8), $0.reason.explanation)
        }
    )
  }
}

extension GitSequencer.Refusal {
  /// Why, in words.
  public var explanation: String {
    switch self {
    case .elsewhere: "it is not under txs/"
    case .notAdded: "it was changed or deleted, not added"
    case .notPlain: "it is no plain file: a link, a program or a submodule"
    case .tooLong: "it has more bytes than a transaction"
    case .rejected(let rejection): rejection.explanation
    }
  }
}
