public import Kernel

/// How the nodes of a cluster are made: the only thing the simulator knows of a system.
public struct Blueprint<M: Machine, Durable> {
  /// What a node has on disk before it first starts.
  public let firstDurable: (_ node: Int) -> Durable
  /// Builds a machine from what is on disk, with the effects it starts with (its first timers).
  ///
  /// The machine must not share mutable state with `durable`: if that is an object, copy it.
  public let boot: (_ start: Boot, _ durable: Durable) -> (machine: M, effects: [Effect<M>])
  /// Carries out one durable write.
  public let apply: (_ change: M.Change, _ durable: inout Durable) -> Void
  /// What authentication tells others about a node.
  public let identity: (_ node: Int) -> M.Identity
  /// How values appear in a trace.
  public let descriptions: Descriptions<M>

  public init(
    firstDurable: @escaping (_ node: Int) -> Durable,
    boot: @escaping (_ start: Boot, _ durable: Durable) -> (machine: M, effects: [Effect<M>]),
    apply: @escaping (_ change: M.Change, _ durable: inout Durable) -> Void,
    identity: @escaping (_ node: Int) -> M.Identity,
    descriptions: Descriptions<M> = Descriptions()
  ) {
    self.firstDurable = firstDurable
    self.boot = boot
    self.apply = apply
    self.identity = identity
    self.descriptions = descriptions
  }
}

/// The circumstances of one start of one node.
public struct Boot: Sendable {
  public let node: Int
  /// 0 at the first start.
  public let restarts: Int
  /// The node's own clock.
  public let now: Instant
  /// For the machine's own choices; another at every start.
  public let seed: UInt64
}

/// Texts for traces.
///
/// They are made only when a trace is on.
///
/// The texts also feed the trace's digest, which tells a deterministic run from one that is not:
/// a text must not depend on the order of a `Set` or `Dictionary` within the value.
public struct Descriptions<M: Machine> {
  public var message: (M.Message) -> String = { String(describing: $0) }
  public var command: (M.Command) -> String = { String(describing: $0) }
  public var reply: (M.Reply) -> String = { String(describing: $0) }
  public var timer: (M.Timer) -> String = { String(describing: $0) }
  public var change: (M.Change) -> String = { String(describing: $0) }
  public var job: (M.Job) -> String = { String(describing: $0) }
  public var output: (M.Job.Output) -> String = { String(describing: $0) }
  public var event: (M.Event) -> String = { String(describing: $0) }

  public init() {}
}
