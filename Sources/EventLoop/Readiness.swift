import CLinux

/// What a descriptor is watched for, or is ready for.
public struct Readiness: OptionSet, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  public static let readable = Readiness(rawValue: UInt32(CLINUX_READABLE))
  public static let writable = Readiness(rawValue: UInt32(CLINUX_WRITABLE))
  /// Reported without being asked for.
  public static let error = Readiness(rawValue: UInt32(CLINUX_ERROR))
  /// Both directions have ended.
  ///
  /// Reported without being asked for.
  public static let hangup = Readiness(rawValue: UInt32(CLINUX_HANGUP))
}

/// A descriptor watched by a loop, level-triggered: an event comes again until it is dealt with.
///
/// Belongs to the loop's thread. Cancel it before the descriptor is closed.
public final class Watch {
  public let descriptor: Int32
  /// Tells this watch from an earlier one of the same descriptor, whose events may still be in
  /// the batch at hand.
  let generation: UInt32
  private let epoll: Int32
  private(set) var handler: ((Readiness) -> Void)?
  public private(set) var interest: Readiness
  private var isMuted = false

  init(
    descriptor: Int32,
    generation: UInt32,
    epoll: Int32,
    interest: Readiness,
    handler: @escaping (Readiness) -> Void
  ) throws(SystemFailure) {
    self.descriptor = descriptor
    self.generation = generation
    self.epoll = epoll
    self.interest = interest
    self.handler = handler
    try checked(
      clinux_epoll_add(epoll, descriptor, interest.rawValue, token),
      "watch a descriptor"
    )
  }

  var token: UInt64 { UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor)) }

  /// Changes what is watched for; costs a system call only if it differs.
  public func update(_ wanted: Readiness) {
    guard handler != nil, wanted != interest || isMuted else { return }
    interest = wanted
    // Neither call can fail on a descriptor that is open and was added, short of kernel memory.
    if isMuted {
      isMuted = clinux_epoll_add(epoll, descriptor, wanted.rawValue, token) < 0
    } else {
      clinux_epoll_modify(epoll, descriptor, wanted.rawValue, token)
    }
  }

  /// Reports nothing, not even errors and hang-ups, until the next `update`.
  ///
  /// For a hang-up that cannot be dealt with yet: level-triggered, it would spin the loop.
  public func mute() {
    guard handler != nil, !isMuted else { return }
    isMuted = true
    clinux_epoll_remove(epoll, descriptor)
  }

  /// Ends the watch.
  ///
  /// Its handler is not called again, even for events already collected.
  public func cancel() {
    guard handler != nil else { return }
    handler = nil
    if !isMuted { clinux_epoll_remove(epoll, descriptor) }
  }
}
