import Kernel

extension Cluster {
  /// Lets a running machine decide, then carries out what can be carried out at once.
  func give(_ input: Input<M>, to node: Node<M, Durable>) {
    let now = node.clock.reading(at: elapsedNanoseconds)
    guard let effects = node.machine?.handle(input, now: now) else { return }
    counts.inputs += 1
    mix(UInt64(node.number), UInt64(effects.count))
    if let trace { trace.record(line(node.number, describe(input), effects)) }
    node.effects.append(effects)
    carryOut(node)
  }

  /// Carries out waiting effects in order, up to the first write that is not yet durable.
  func carryOut(_ node: Node<M, Durable>) {
    let incarnation = node.incarnation
    while node.incarnation == incarnation, violation == nil, let effect = node.effects.first {
      if case .persist = effect {
        if node.effects.isFirstDurable {
          node.effects.removeFirst()
          continue
        }
        if node.isSyncing { return }
        let sync = startSync(node)
        guard world.disk.sync.isNone else {
          node.isSyncing = true
          plan(.synced(node.number, incarnation, sync), after: world.disk.sync)
          return
        }
        finishSync(sync, node)
      } else {
        node.effects.removeFirst()
        carryOut(effect, node)
      }
    }
  }

  private func carryOut(_ effect: Effect<M>, _ node: Node<M, Durable>) {
    if case .broadcast(let message, let peers) = effect {
      // A crash may leave a broadcast half sent.
      for peer in peers {
        guard passesCrashPoint(node) else { return }
        send(message, from: node, to: peer)
      }
      return
    }
    guard passesCrashPoint(node) else { return }
    switch effect {
    case .persist, .broadcast:
      preconditionFailure("carried out above")
    case .send(let message, let peer):
      send(message, from: node, to: peer)
    case .disconnect(let peer, _):
      hangUp(peer, node)
    case .setTimer(let timer, let duration):
      timerGeneration += 1
      node.timers[timer] = timerGeneration
      plan(
        .fired(node.number, timer, generation: timerGeneration),
        nanoseconds: node.clock.trueNanoseconds(duration)
      )
    case .cancelTimer(let timer):
      node.timers[timer] = nil
    case .start(let job, let id):
      plan(.finished(node.number, node.incarnation, job, id), after: world.jobs)
    case .reply(let reply, let id):
      answer(id, reply, node)
    case .report(let event):
      counts.reports += 1
      onReport?(self, node.number, event)
    }
  }

  /// Counts one more effect as carried out, or crashes the node if this is its crash point.
  private func passesCrashPoint(_ node: Node<M, Durable>) -> Bool {
    if let point = node.crashPoint, point <= node.actions + 1 {
      crash(node, downFor: node.downTime, why: "at its crash point")
      return false
    }
    node.actions += 1
    return true
  }
}
