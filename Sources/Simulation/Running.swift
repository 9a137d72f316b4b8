import Kernel

extension Cluster {
  /// Lets `duration` of virtual time pass, or less if `isDone`, asked after every step, holds.
  ///
  /// Returns whether `isDone` held; false without one.
  @discardableResult
  public func run(
    for duration: Duration,
    until isDone: ((Cluster) -> Bool)? = nil
  ) throws(Violation) -> Bool {
    let end = elapsedNanoseconds + nanoseconds(duration)
    if let violation { throw violation }
    if let isDone, isDone(self) { return true }
    while let time = queue.nextTime, time <= end {
      let acted = step()
      if let violation { throw violation }
      if acted, let isDone, isDone(self) { return true }
    }
    elapsedNanoseconds = end
    return false
  }

  /// Runs the final checks.
  @discardableResult
  public func finish() throws(Violation) -> Report {
    for check in finalChecks where violation == nil {
      if let text = check.findFault(self) { fail(check.name, text) }
    }
    if let violation { throw violation }
    return report
  }

  /// Takes the next event.
  ///
  /// Returns whether it had an effect; one that came too late has none.
  private func step() -> Bool {
    guard let time = queue.nextTime, let event = queue.pop() else { return false }
    precondition(time >= elapsedNanoseconds)
    elapsedNanoseconds = time
    if !world.keepsSentMessages, !sent.isEmpty { sent.removeAll(keepingCapacity: true) }
    sentStart = world.keepsSentMessages ? sent.count : 0
    guard take(event) else { return false }
    steps += 1
    mix(time, UInt64(steps))
    for check in invariants where violation == nil {
      if let text = check.findFault(self) { fail(check.name, text) }
    }
    if steps > world.stepsMax { fail("bound", "more than \(world.stepsMax) steps") }
    return true
  }

  private func take(_ event: Event) -> Bool {
    switch event {
    case .arrived(let message, let endpoint): return arrive(message, endpoint)
    case .released(let direction): return release(direction)
    case .connect(let a, let b): return connect(a, b)
    case .connected(let endpoint): return openEnd(endpoint)
    case .disconnected(let endpoint): return closeEnd(endpoint)
    case .boot(let number, let incarnation):
      return boot(nodes[number], incarnation)
    case .fired(let number, let timer, let generation):
      let node = nodes[number]
      guard node.timers[timer] == generation else { return false }
      node.timers[timer] = nil
      counts.timers += 1
      give(.fired(timer), to: node)
      return true
    case .finished(let number, let incarnation, let job, let id):
      let node = nodes[number]
      guard node.incarnation == incarnation else { return false }
      counts.jobs += 1
      give(.finished(job.run(), id), to: node)
      return true
    case .synced(let number, let incarnation, let sync):
      let node = nodes[number]
      guard node.incarnation == incarnation else { return false }
      if let trace { trace.record(line(number, describe(sync))) }
      node.isSyncing = false
      finishSync(sync, node)
      carryOut(node)
      return true
    case .submitted(let command, let id):
      return accept(command, id)
    case .fault(let kind, let generation):
      return strike(kind, generation: generation)
    case .script(let action):
      action(self)
      return true
    }
  }

  private func boot(_ node: Node<M, Durable>, _ incarnation: Int) -> Bool {
    guard node.machine == nil, node.incarnation == incarnation else { return false }
    let start = Boot(
      node: node.number,
      restarts: node.incarnation,
      now: node.clock.reading(at: elapsedNanoseconds),
      seed: random.next()
    )
    let (machine, effects) = blueprint.boot(start, node.durable)
    node.machine = machine
    if let trace { trace.record(line(node.number, "boot \(node.incarnation)", effects)) }
    node.effects.append(effects)
    carryOut(node)
    for other in nodes.indices where other != node.number {
      attemptConnection(node.number, other)
    }
    return true
  }

  private func accept(_ command: M.Command, _ id: RequestID) -> Bool {
    let node = nodes[requests[Int(id.number)].node]
    guard node.machine != nil else {
      requests[Int(id.number)].outcome = .refused
      return true
    }
    requests[Int(id.number)].outcome = .waiting
    give(.submitted(command, id), to: node)
    return true
  }

  func answer(_ id: RequestID, _ reply: M.Reply, _ node: Node<M, Durable>) {
    guard id.number < UInt64(requests.count), requests[Int(id.number)].node == node.number,
      requests[Int(id.number)].outcome.isWaiting
    else {
      fail("contract", "node \(node.number) answers request \(id.number), which does not wait")
      return
    }
    requests[Int(id.number)].outcome = .replied(reply, after: elapsed)
    counts.replies += 1
    onReply?(self, id, reply)
  }

  func plan(_ event: Event, nanoseconds: UInt64) {
    let (time, overflow) = elapsedNanoseconds.addingReportingOverflow(nanoseconds)
    queue.push(event, at: overflow ? .max : time)
  }

  func plan(_ event: Event, after delay: Delay) {
    plan(event, nanoseconds: delay.draw(using: &random))
  }

  func nanoseconds(_ duration: Duration) -> UInt64 {
    UInt64(max(duration.wholeNanoseconds, 0))
  }

  func mix(_ a: UInt64, _ b: UInt64) {
    fingerprint = (fingerprint ^ a) &* 0x0000_0100_0000_01b3
    fingerprint = (fingerprint ^ (fingerprint &>> 29) ^ b) &* 0x9e37_79b9_7f4a_7c15
  }
}
