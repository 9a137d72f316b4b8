import Kernel
import TinyChain

// How two trees find where they part: one tells ids of its best branch, the other answers with what
// it executed after the first of them that it has executed, too.
extension HeaderTree {
  /// Ids of the branch of most work, ever farther apart from its end on; the last is the genesis block's.
  var locator: [Bytes32] {
    var (ids, height, step) = ([best.id], best.header.height, UInt32(1))
    while height > 0 {
      height -= min(step, height)
      ids += best(at: height).map { [$0] } ?? []
      if ids.count > 10 { step *= 2 }
    }
    return ids
  }

  /// Executed headers after the first of the locator's that is on the executed chain.
  func headers(after locator: [Bytes32], limit: Int) -> [Header] {
    // Above where it leaves the branch of most work, newest first.
    let own = path(from: executed, to: best, limit: 0).undone
    func id(at height: UInt32) -> Bytes32? {
      guard height <= executed.header.height else { return nil }
      let depth = Int(executed.header.height - height)
      return depth < own.count ? own[depth] : best(at: height)
    }
    let known = locator.lazy.compactMap(entry(of:)).first { id(at: $0.header.height) == $0.id }
    let start = (known ?? genesis).header.height + 1
    return (start..<start + UInt32(limit)).lazy.map(id(at:)).prefix { $0 != nil }
      .compactMap { $0.flatMap(entry(of:))?.header }
  }
}
