public import EventLoop
public import Kernel
import Transport

/// Passes UDP datagrams between callers and one place, as a worse link would.
///
/// Each caller has a socket of its own towards the place, so that answers find back. Belongs to its
/// loop's thread.
public final class DatagramRelay {
  /// Where callers call.
  public var address: SocketAddress { listener?.address ?? destination }
  public private(set) var statistics = RelayStatistics()

  private let loop: EventLoop
  private let destination: SocketAddress
  private let conditions: LinkConditions
  private var seeds: LinkSeeds
  private var listener: DatagramSocket?
  private var callers: [SocketAddress: Caller] = [:]
  private var underWay = 0
  private var sweep: Timer?

  /// Sockets; a caller beyond is not heard.
  private static let callersMax = 1024
  /// Datagrams under way, 1500 bytes each: 24 MiB at worst.
  ///
  /// What comes on top is lost, as in a router.
  private static let underWayMax = 16_384
  /// Nothing heard of a caller for so long: its socket is closed.
  private static let callerIdle = Duration.seconds(120)

  private final class Caller {
    var socket: DatagramSocket?
    var there: LinkFates
    var back: LinkFates
    var lastHeard: Instant

    init(_ fates: (there: LinkFates, back: LinkFates), now: Instant) {
      there = fates.there
      back = fates.back
      lastHeard = now
    }
  }

  /// Relays from now on.
  ///
  /// - Parameters:
  ///   - address: where callers call; port 0 for one that is free.
  ///   - destination: the place.
  ///   - conditions: in each direction.
  ///   - seed: equal seeds lose and delay the same datagrams of each caller, in the order in which
  ///     callers come.
  ///   - loop: where it lives.
  /// - Throws: `ListenFailure`, which says what the operator can do.
  public init(
    from address: SocketAddress,
    to destination: SocketAddress,
    _ conditions: LinkConditions,
    seed: UInt64,
    on loop: EventLoop
  ) throws {
    self.loop = loop
    self.destination = destination
    self.conditions = conditions
    seeds = LinkSeeds(seed)
    listener = try DatagramSocket(at: address, on: loop) { [weak self] datagram, caller in
      self?.receive(datagram, from: caller)
    }
    scheduleSweep()
  }

  deinit {
    close()
  }

  /// Ends it; what is under way is lost.
  public func close() {
    listener?.close()
    listener = nil
    for caller in callers.values { caller.socket?.close() }
    callers = [:]
    if let sweep, loop.isCurrent { loop.cancel(sweep) }
    sweep = nil
  }

  private func receive(_ datagram: UnsafeRawBufferPointer, from address: SocketAddress) {
    guard let caller = caller(at: address) else { return }
    caller.lastHeard = loop.now
    pass(datagram, caller.there.next()) { [weak self, weak caller] bytes in
      guard let self, let socket = caller?.socket else { return }
      bytes.withUnsafeBytes { _ = socket.send($0, to: self.destination) }
    }
  }

  private func answer(_ datagram: UnsafeRawBufferPointer, to address: SocketAddress) {
    guard let caller = callers[address] else { return }
    caller.lastHeard = loop.now
    pass(datagram, caller.back.next()) { [weak self] bytes in
      bytes.withUnsafeBytes { _ = self?.listener?.send($0, to: address) }
    }
  }

  private func pass(
    _ datagram: UnsafeRawBufferPointer,
    _ lateness: Duration?,
    _ send: @escaping ([UInt8]) -> Void
  ) {
    guard let lateness, underWay < Self.underWayMax else {
      statistics.lost += 1
      return
    }
    let bytes = Array(datagram)
    underWay += 1
    loop.schedule(after: lateness) { [weak self] in
      self?.underWay -= 1
      self?.statistics.passed += 1
      send(bytes)
    }
  }

  private func caller(at address: SocketAddress) -> Caller? {
    if let caller = callers[address] { return caller }
    guard callers.count < Self.callersMax else { return nil }
    let caller = Caller(seeds.next(conditions), now: loop.now)
    let any: IPAddress = destination.ip.v4 == nil ? .anyV6 : .anyV4
    // Without a descriptor the caller is not heard, as one beyond the limit.
    caller.socket = try? DatagramSocket(at: SocketAddress(any, port: 0), on: loop) {
      [weak self, destination] datagram, sender in
      if sender == destination { self?.answer(datagram, to: address) }
    }
    guard caller.socket != nil else { return nil }
    callers[address] = caller
    return caller
  }

  private func scheduleSweep() {
    sweep = loop.schedule(after: Self.callerIdle) { [weak self] in
      guard let self else { return }
      let limit = loop.now + (.zero - Self.callerIdle)
      for (address, caller) in callers where caller.lastHeard < limit {
        caller.socket?.close()
        callers[address] = nil
      }
      scheduleSweep()
    }
  }
}

/// What a relay has done since it began: datagrams, or pieces of streams.
public struct RelayStatistics: Hashable, Sendable {
  public var passed: UInt64 = 0
  public var lost: UInt64 = 0

  public init() {}
}
