/// The tasks of a test that wait until something holds of an actor's state.
///
/// Part of that state; the actor says whenever something may have changed.
public final class Waiting {
  private var tasks: [(condition: () -> Bool, continuation: CheckedContinuation<Void, Never>)] = []

  public init() {}

  /// Suspends until the condition holds.
  public func until(
    isolation: isolated (any Actor)? = #isolation,
    _ condition: @escaping () -> Bool
  ) async {
    // Looked at where the continuation is put away: see `EventLoop` for what may run before.
    await withCheckedContinuation { continuation in
      if condition() { continuation.resume() } else { tasks.append((condition, continuation)) }
    }
  }

  public func changed() {
    let ready = tasks.filter { $0.condition() }
    tasks.removeAll { $0.condition() }
    for task in ready { task.continuation.resume() }
  }
}
