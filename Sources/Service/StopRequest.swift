import Synchronization

/// A wish to stop, awaited by one.
public final class StopRequest: Sendable {
  private struct State: Sendable {
    var isAsked = false
    var failure: (any Error)?
    var waiting: CheckedContinuation<(any Error)?, Never>?
  }

  private let state = Mutex(State())

  public init() {}

  /// Why it was asked; nil if it was not, or for no failure.
  public var failure: (any Error)? { state.withLock { $0.failure } }

  /// Only the first counts.
  public func ask(because failure: (any Error)?) {
    let waiting = state.withLock { state -> CheckedContinuation<(any Error)?, Never>? in
      guard !state.isAsked else { return nil }
      state.isAsked = true
      state.failure = failure
      defer { state.waiting = nil }
      return state.waiting
    }
    waiting?.resume(returning: failure)
  }

  /// Suspends until somebody asks, and tells why; nil for no failure.
  public func value() async -> (any Error)? {
    await withCheckedContinuation { continuation in
      let (isAsked, failure) = state.withLock { state in
        if !state.isAsked { state.waiting = continuation }
        return (state.isAsked, state.failure)
      }
      if isAsked { continuation.resume(returning: failure) }
    }
  }
}
