import Kernel
import TinyChain

/// Headers first: which branches there are, and what work is in them.
extension PeerMachine {
  mutating func askForHeaders(of id: PeerID) {
    guard let peer = peers[id],
      !peer.isAsked({ if case .headers = $0 { true } else { false } })
    else { return }
    peers[id]?.claim = peer.work
    ask(.headers(after: peer.sync.map { [$0.last] } ?? tree.locator), of: id)
  }

  /// Takes headers that a peer shows; those of a branch with more work than the chain are stored.
  mutating func take(_ headers: [Header], from id: PeerID) {
    guard var peer = peers[id] else { return }
    guard let first = headers.first else { return end(of: id) }
    guard headers.count <= PeerLimits.headersMax else { return blame(id, .unreadable) }
    let ids = headers.map(\.id)
    guard zip(ids, headers.dropFirst()).allSatisfy({ $0 == $1.parent }) else {
      return blame(id, .unconnected)
    }
    let isLast = headers.count < PeerLimits.headersMax
    if let sync = peer.sync, sync.taken == nil {
      guard first.parent == sync.last else { return lose(id) }
      guard let counted = count(headers, ids, in: sync) else { return blame(id, .invalidHeader) }
      peer.sync = counted
      if counted.work > tip.work {
        peer.sync?.taken = 0
      } else if isLast || counted.ends.count == HeaderSync.messagesMax {
        peers[id]?.sync = nil
        return end(of: id)
      }
      peers[id]?.sync = peer.sync
      return askForHeaders(of: id)
    }
    guard let fork = tree.entry(of: first.parent) else { return lose(id) }
    if let taken = peer.sync?.taken {
      // The same headers as the first time, as their last id says.
      guard first.parent == peer.sync?.last, ids.last == peer.sync?.ends[taken] else {
        return lose(id)
      }
    }
    var (trial, added) = (tree, [HeaderEntry]())
    added.reserveCapacity(headers.count)
    for (header, name) in zip(headers, ids) {
      do throws(Rejection) {
        if let entry = try trial.add(header, id: name, now: seconds) { added.append(entry) }
      } catch {
        guard error.blame != .sender else { return blame(id, .invalidHeader) }
        guard error != .invalidBranch else {
          return close(id, "follows a branch that is invalid here")
        }
        // Too far ahead: the others count, and it may be asked for again.
        peers[id]?.claim = .zero
        return keep(added, trial, shownBy: id, isLast: true)
      }
    }
    let last = ids.last.flatMap { trial.entry(of: $0) } ?? fork
    if peer.sync == nil, last.work <= tip.work {
      guard !isLast else { return end(of: id) }
      peers[id]?.sync = HeaderSync(
        fork: fork.id,
        work: last.work,
        height: last.header.height,
        ends: [last.id]
      )
      return askForHeaders(of: id)
    }
    peers[id]?.sync?.taken? += 1
    if let sync = peers[id]?.sync, sync.taken == sync.ends.count { peers[id]?.sync = nil }
    keep(added, trial, shownBy: id, isLast: isLast)
  }

  private mutating func keep(
    _ added: [HeaderEntry],
    _ trial: HeaderTree,
    shownBy id: PeerID,
    isLast: Bool
  ) {
    if let last = added.last {
      tree = trial
      change.operations.append(.headers(added))
      peers[id]?.shows(last.work)
    }
    if isLast { end(of: id) } else { askForHeaders(of: id) }
  }

  /// Adds the work of headers whose parents are not kept: it was done, whatever other rules say.
  private func count(
    _ headers: [Header],
    _ ids: [Bytes32],
    in sync: HeaderSync
  ) -> HeaderSync? {
    var sync = sync
    for (header, id) in zip(headers, ids) {
      guard header.height == sync.height + 1, let target = UInt256(compact: header.bits),
        target <= rule.limit, rule.digest(of: header, id: id) <= target
      else { return nil }
      let (work, overflow) = sync.work.addingReportingOverflow(.work(ofTarget: target))
      guard !overflow else { return nil }
      (sync.height, sync.work) = (header.height, work)
    }
    if let last = ids.last { sync.ends.append(last) }
    return sync
  }

  /// The peer has no more headers: what it said it has, before it was asked, must have been among them.
  private mutating func end(of id: PeerID) {
    guard let peer = peers[id] else { return }
    peers[id]?.sync = nil
    if peer.claim > tree.best.work { blame(id, .falseWork) }
  }

  /// Its branch is no longer the one it had begun to show: that may be, now and then.
  private mutating func lose(_ id: PeerID) {
    peers[id]?.sync = nil
    blame(id, .unconnected)
  }
}
