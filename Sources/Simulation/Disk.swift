import Kernel

extension Cluster {
  /// A sync under way: these writes become durable together when it ends.
  struct Sync {
    let changes: [M.Change]
    /// The position behind the last write in the node's order of effects.
    let end: Int
  }

  /// Starts a sync of the first waiting writes.
  ///
  /// How many share it is drawn.
  func startSync(_ node: Node<M, Durable>) -> Sync {
    var waiting = node.effects.waitingWrites(countMax: world.disk.groupMax)
    if waiting.changes.count > 1 {
      let count = 1 + random.below(waiting.changes.count)
      if count < waiting.changes.count { waiting = node.effects.waitingWrites(countMax: count) }
    }
    return Sync(changes: waiting.changes, end: waiting.end)
  }

  /// Makes the writes durable, unless the node's crash point lies among them: then none is,
  /// because a group is one transaction.
  func finishSync(_ sync: Sync, _ node: Node<M, Durable>) {
    let passed = node.actions + sync.changes.count
    if let point = node.crashPoint, point <= passed {
      crash(node, downFor: node.downTime, why: "before a write was durable")
      return
    }
    for change in sync.changes {
      blueprint.apply(change, &node.durable)
    }
    node.actions = passed
    node.effects.markDurable(before: sync.end)
    counts.writes += sync.changes.count
    counts.syncs += 1
  }
}

extension Cluster {
  /// Puts another value on the disk of a node that is down: a disk that was lost, or swapped.
  public func replaceDurable(of node: Int, by durable: Durable) {
    precondition(nodes[node].machine == nil)
    nodes[node].durable = durable
  }
}
