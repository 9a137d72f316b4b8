import EventLoop
import Kernel
import TestSupport
import Transport

/// A path between a caller and a called end on which a test listens, cuts and forges.
actor Tap {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private var near: DatagramSocket?
  private var far: DatagramSocket?
  private var caller: SocketAddress?
  private let called: SocketAddress?
  private var isCut = false
  /// What the caller has sent.
  private(set) var fromCaller: [[UInt8]] = []
  private(set) var fromCalled: [[UInt8]] = []
  private let waiting = Waiting()

  /// Leads nowhere if nobody is called.
  init(to called: SocketAddress?, on loop: EventLoop) {
    self.called = called
    self.loop = loop
  }

  func open(at address: SocketAddress = SocketAddress(.loopbackV4, port: 0)) throws -> SocketAddress
  {
    let near = try DatagramSocket(at: address, on: loop) { bytes, caller in
      self.caller = caller
      self.fromCaller.append(Array(bytes))
      self.pass(bytes)
      self.waiting.changed()
    }
    self.near = near
    try move()
    return near.address
  }

  /// The caller appears at another port from now on, as behind a NAT that has forgotten it.
  func move() throws {
    far?.close()
    far = try DatagramSocket(at: SocketAddress(.loopbackV4, port: 0), on: loop) { bytes, _ in
      self.fromCalled.append(Array(bytes))
      if !self.isCut, let caller = self.caller { self.near?.send(bytes, to: caller) }
      self.waiting.changed()
    }
  }

  func cut() { isCut = true }
  func mend() { isCut = false }

  func close() {
    near?.close()
    far?.close()
  }

  /// Sends bytes as the caller's.
  func forge(_ bytes: [UInt8], to address: SocketAddress? = nil) {
    guard let address = address ?? called else { return }
    bytes.withUnsafeBytes { _ = far?.send($0, to: address) }
  }

  /// Suspends until the caller has sent so many datagrams, and returns them.
  func heard(_ count: Int) async -> [[UInt8]] {
    await waiting.until { self.fromCaller.count >= count }
    return fromCaller
  }

  func answered(_ count: Int) async -> [[UInt8]] {
    await waiting.until { self.fromCalled.count >= count }
    return fromCalled
  }

  private func pass(_ bytes: UnsafeRawBufferPointer) {
    if !isCut, let called { far?.send(bytes, to: called) }
  }
}
