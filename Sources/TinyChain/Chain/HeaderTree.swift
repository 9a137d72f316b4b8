public import Kernel

/// Where headers lie that the tree no longer keeps in memory.
public protocol HeaderSource: Sendable {
  func entry(of id: Bytes32) -> HeaderEntry?
  /// On the branch of `HeaderTree.best`.
  func best(at height: UInt32) -> Bytes32?
}

/// All headers that are known, on all branches: which has most work, and how far it was executed.
///
/// In memory are those that came last. What the tree is told its owner tells the source: entries that
/// are new, which is best, who was executed or invalid, the latter with all that descend from it.
public struct HeaderTree: Sendable {
  /// Headers kept in some 2 MB, twice those of one message.
  ///
  /// Others are a read away.
  public static let windowMax = 4_000
  /// Ends of branches kept, each of which has cost the work of a block; the lightest are forgotten.
  public static let leavesMax = 64

  public let sequencer: NakamotoSequencer
  public private(set) var genesis: HeaderEntry
  /// Most work, first seen on ties.
  public private(set) var best: HeaderEntry
  /// The tip: most work of those whose blocks were executed from the first to the last.
  public private(set) var executed: HeaderEntry
  /// The ends of all branches that may become the chain; first seen first.
  public private(set) var leaves: [HeaderEntry]
  private let source: any HeaderSource
  /// Those in memory: the last ones, and those before, which leave all at once; what is told of one
  /// stands in the first.
  private(set) var (window, older) = ([Bytes32: HeaderEntry](), [Bytes32: HeaderEntry]())
  /// The branch of `best` from some height on; before that it is what the source says.
  private var line: (start: UInt32, ids: [Bytes32])
  /// Of the header that came last, if nothing can have followed it.
  private var newest: Lineage?

  /// A tree as it was stored; by default one of the genesis block.
  public init(
    _ parameters: NetworkParameters,
    _ rule: WorkRule,
    source: any HeaderSource,
    leaves: [HeaderEntry] = [],
    executed: HeaderEntry? = nil
  ) {
    let block = parameters.genesis
    genesis = HeaderEntry(block.header, id: block.id, work: .zero, anchorTime: block.header.time)
    genesis.status = .executed
    self.source = source
    sequencer = NakamotoSequencer(rule)
    self.executed = executed ?? genesis
    self.leaves = leaves.isEmpty ? [self.executed] : leaves
    best = self.leaves.reduce(self.executed) { $1.work > $0.work ? $1 : $0 }
    line = (best.header.height + 1, [])
  }

  // MARK: Looking

  public func entry(of id: Bytes32) -> HeaderEntry? {
    window[id] ?? older[id] ?? (id == genesis.id ? genesis : source.entry(of: id))
  }

  /// On the branch of most work.
  public func best(at height: UInt32) -> Bytes32? {
    guard height <= best.header.height else { return nil }
    guard height > 0 else { return genesis.id }
    return height < line.start ? source.best(at: height) : line.ids[Int(height - line.start)]
  }

  /// What the rules need to know of a header's past; nil if it is not known.
  public func lineage(of id: Bytes32) -> Lineage? {
    if let newest, newest.tip.id == id { return newest }
    guard let tip = entry(of: id) else { return nil }
    var (times, entry) = ([tip.header.time], tip)
    while times.count < Lineage.count, let parent = self.entry(of: entry.header.parent) {
      times.append(parent.header.time)
      entry = parent
    }
    return Lineage(tip: tip, times: times)
  }

  /// Newest first, from an entry down to the branch of most work, and the height where they meet.
  private func branch(of entry: HeaderEntry) -> (ids: [Bytes32], fork: UInt32) {
    var (ids, entry) = ([Bytes32](), entry)
    while best(at: entry.header.height) != entry.id {
      ids.append(entry.id)
      guard let parent = self.entry(of: entry.header.parent) else {
        preconditionFailure("every header but the first has its parent")
      }
      entry = parent
    }
    return (ids, entry.header.height)
  }

  /// The way from one block to another: those to undo, newest first, and the first to apply.
  public func path(from: HeaderEntry, to: HeaderEntry, limit: Int) -> (
    undone: [Bytes32], applied: [Bytes32]
  ) {
    var (down, up) = (branch(of: from), branch(of: to))
    let fork = min(down.fork, up.fork)
    while let last = down.ids.last, last == up.ids.last {
      down.ids.removeLast()
      up.ids.removeLast()
    }
    func line(_ end: UInt32) -> some Collection<Bytes32> {
      (fork..<end).lazy.compactMap { best(at: $0 + 1) }
    }
    let undone = down.ids + line(down.fork).reversed()
    return (undone, Array((Array(line(up.fork).prefix(limit)) + up.ids.reversed()).prefix(limit)))
  }

  private func isFollowed(_ entry: HeaderEntry, by id: Bytes32) -> Bool {
    guard let last = self.entry(of: id), last.work >= entry.work else { return false }
    return path(from: entry, to: last, limit: 0).undone.isEmpty
  }

  // MARK: Changing

  /// Judges a header, whose id this is, by the rules that need no state, at this second, and takes it in.
  ///
  /// - Returns: what is to be stored; nil if the header was known.
  /// - Throws: `wrongParent` if the parent is not known, and what `NakamotoSequencer.check` does;
  ///   `invalidBranch` if it, or a block before it, is known to be invalid.
  public mutating func add(_ header: Header, id: Bytes32, now: UInt64) throws(Rejection)
    -> HeaderEntry?
  {
    // Nothing has come after the newest, so no child of it.
    if header.parent != newest?.tip.id, let known = entry(of: id) {
      guard known.status != .invalid else { throw .invalidBranch }
      return nil
    }
    guard let past = lineage(of: header.parent) else { throw .wrongParent }
    try sequencer.check(header, id: id, after: past, at: now)
    guard past.tip.status != .invalid else { throw .invalidBranch }
    let work = past.tip.work + .work(ofTarget: UInt256(compact: header.bits) ?? .max)
    let anchorTime = header.height == 1 ? header.time : past.tip.anchorTime
    let entry = HeaderEntry(header, id: id, work: work, anchorTime: anchorTime)
    window[id] = entry
    newest = Lineage(tip: entry, times: [header.time] + past.times.prefix(Lineage.count - 1))
    leaves.removeAll { $0.id == header.parent }
    leaves.append(entry)
    if entry.work > best.work { follow(entry) }
    return entry
  }

  /// A block was executed to the roots of its header.
  public mutating func markExecuted(_ id: Bytes32) {
    guard var entry = entry(of: id) else { return }
    entry.status = .executed
    window[id] = entry
    if entry.work > executed.work { executed = entry }
  }

  /// A block whose transactions are those of its header came to something else.
  public mutating func markInvalid(_ id: Bytes32) {
    guard let entry = entry(of: id), entry.status != .invalid,
      let parent = self.entry(of: entry.header.parent)
    else { return }
    newest = nil
    window.merge(older) { new, _ in new }
    for id in window.keys where isFollowed(entry, by: id) { window[id]?.status = .invalid }
    leaves = leaves.filter { !isFollowed(entry, by: $0.id) }
    leaves.append(parent)
    follow(leaves.reduce(executed) { $1.work > $0.work ? $1 : $0 })
  }

  /// All that was told so far is in the source: forgets what is beyond the window.
  public mutating func settle() {
    while leaves.count > Self.leavesMax,
      let lightest = leaves.indices.min(by: { leaves[$0].work < leaves[$1].work })
    { leaves.remove(at: lightest) }
    let half = Self.windowMax / 2
    if window.count >= half { (window, older) = (Dictionary(minimumCapacity: half), window) }
    let excess = max(0, line.ids.count - Self.windowMax)
    line.ids.removeFirst(excess)
    line.start += UInt32(excess)
  }

  private mutating func follow(_ entry: HeaderEntry) {
    let (ids, fork) =
      entry.header.parent == best.id ? ([entry.id], best.header.height) : branch(of: entry)
    if fork + 1 < line.start { line = (fork + 1, []) }
    line.ids.replaceSubrange(Int(fork + 1 - line.start)..., with: ids.reversed())
    best = entry
  }
}
