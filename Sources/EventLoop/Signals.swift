import CLinux

/// A signal that a service acts on.
public enum Signal: Int32, Sendable, CaseIterable {
  case hangup = 1
  case interrupt = 2
  case terminate = 15

  /// The signals as they come in, until the loop stops or the consumer does.
  ///
  /// After that they have their default action again, so that a second SIGTERM ends a process
  /// that is slow to shut down. Several of one kind may come as one.
  ///
  /// - Throws: `SystemFailure` if there is no descriptor left.
  public static func stream(
    of signals: [Signal],
    on loop: EventLoop
  ) async throws(SystemFailure) -> AsyncStream<Signal> {
    // Sixteen: an impatient operator's worth. More of the same say nothing new.
    let (stream, continuation) = AsyncStream.makeStream(
      of: Signal.self,
      bufferingPolicy: .bufferingNewest(16)
    )
    let numbers = signals.map(\.rawValue)
    try await loop.run { () throws(SystemFailure) in
      let source = try SignalSource(numbers, continuation)
      try source.start(on: loop)
      continuation.onTermination = { [weak source] _ in
        guard let source else { return }
        loop.execute { source.close() }
      }
    }
    return stream
  }
}

extension EventLoop {
  /// Has the kernel kill this process, at once, when its parent ends.
  ///
  /// The end of the one thread that started this process, in a parent that goes on, does not count.
  public func dieWithParent() async throws(SystemFailure) {
    _ = try await run { () throws(SystemFailure) in
      try checked(clinux_die_with_parent(), "follow the parent process")
    }
  }
}

/// Tells of signals on a loop; held by its watch, so it ends with the loop.
///
/// `@unchecked Sendable`: touched on the loop's thread only, apart from `deinit`.
private final class SignalSource: @unchecked Sendable {
  private let descriptor: Int32
  private let signals: AsyncStream<Signal>.Continuation
  private var watch: Watch?

  init(_ numbers: [Int32], _ signals: AsyncStream<Signal>.Continuation) throws(SystemFailure) {
    descriptor = try checked(
      clinux_signals_open(numbers, Int32(numbers.count)),
      "catch signals"
    )
    self.signals = signals
  }

  func start(on loop: EventLoop) throws(SystemFailure) {
    watch = try loop.watch(descriptor, for: .readable) { _ in self.drain() }
  }

  func close() {
    watch?.cancel()
    watch = nil
  }

  private func drain() {
    while true {
      let number = clinux_signals_next(descriptor)
      guard number > 0 else { break }
      if let signal = Signal(rawValue: number) { signals.yield(signal) }
    }
  }

  deinit {
    clinux_signals_close(descriptor)
    signals.finish()
  }
}
