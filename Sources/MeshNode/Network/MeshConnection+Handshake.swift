import EventLoop
import Kernel
import Mesh
import QUIC

/// Who the other end is: HANDSHAKE both ways, bound to the connection by its exporter (SPEC-009, 9.3).
extension MeshConnection {
  private var side: Handshake.Side { called == nil ? .server : .client }
  private var otherSide: Handshake.Side { called == nil ? .client : .server }

  func established() {
    note("established")
    deadline = loop.schedule(after: context.handshakeTimeout) { [weak self] in
      self?.end(.timeout, "no handshake in time")
    }
    guard called != nil, let stream = quic?.openStream() else { return }
    begin(control: stream)
  }

  func begin(control stream: QUICStream) {
    let control = FrameStream(stream, frameMax: Self.controlFrameMax) { [weak self] in
      self?.handle($1, of: $0)
    }
    self.control = control
    control.start()
    guard let handshake = ownHandshake() else {
      return end(.internalError, "no keying material")
    }
    _ = control.send(Frame.control(.handshake(handshake)).encoded)
    note("handshake_sent")
  }

  private var exporter: Bytes32? {
    quic?.exportKey(label: Self.exporterLabel, count: 32).flatMap { Bytes32($0) }
  }

  private func ownHandshake() -> Handshake? {
    switch context.identity {
    case .wallet: return .anonymous(network: context.genesis.id, agent: context.agent)
    case .validator(let key, let index):
      guard let exporter else { return nil }
      return .signed(
        by: key,
        as: index,
        network: context.genesis.id,
        features: [.recoveryBallots, .subscriptions],
        logHead: context.logHead(),
        agent: context.agent,
        side: side,
        exporter: exporter
      )
    }
  }

  func greet(_ handshake: Handshake) {
    guard peer == nil else { return end(.protocolViolation, "a second handshake") }
    note("handshake_received", handshake.agent)
    guard let exporter else { return end(.internalError, "no keying material") }
    if let code = handshake.failure(side: otherSide, exporter: exporter, on: context.genesis) {
      return end(code, "handshake refused: \(code)")
    }
    let peer: MeshPeer =
      switch (handshake.role, handshake.identity?.validator) {
      case (.validator, let validator?): .validator(validator)
      default: .wallet
      }
    if let (code, reason) = objection(to: peer) { return end(code, reason) }
    self.peer = peer
    greetedAt = loop.now
    if let deadline { loop.cancel(deadline) }
    deadline = nil
    note("handshake_verified")
    tell(self, .greeted(peer))
    let early = self.early
    self.early = []
    for (request, stream, size) in early {
      outstanding -= size
      if stream.isOpen { take(request, stream, size) }
    }
    startAsks()
  }

  /// Whether it is somebody else who answers or calls than should.
  private func objection(to peer: MeshPeer) -> (CloseCode, String)? {
    switch (called, peer) {
    case (let called?, .validator(let validator)):
      return called == validator
        ? nil : (.identityMismatch, "validator \(validator) where \(called) was called")
    case (_?, .wallet): return (.identityMismatch, "a wallet where a validator was called")
    case (nil, .wallet): return nil
    case (nil, .validator(let validator)):
      guard let own = context.identity.index else {
        return (.protocolViolation, "a wallet is called by nobody")
      }
      if validator == own { return (.identityMismatch, "another speaks with this validator's key") }
      return validator < own
        ? nil : (.protocolViolation, "of two validators the one with the lower index calls")
    }
  }
}
