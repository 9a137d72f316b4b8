/// What a frame carries, as the byte in its header says.
public enum MessageType: UInt8, Sendable, CaseIterable {
  case handshake = 1
  case handshakeAck = 2
  case keepalive = 3
  case publish = 4
  case vote = 5
  case pullRequest = 6
  case pullResponse = 7
  case telemetry = 8
  case frontierRequest = 9
  case frontierResponse = 10
  case confirmRequest = 11
  case blockRequest = 12
  case representativeHello = 13
  case receivablesRequest = 14
  case receivablesResponse = 15
}

/// The lengths a body may have: a fixed part and a number of equal entries.
struct BodySize: Hashable, Sendable {
  let fixed: Int
  let entry: Int
  let entries: ClosedRange<Int>

  init(_ fixed: Int, entry: Int = 0, entries: ClosedRange<Int> = 0...0) {
    self.fixed = fixed
    self.entry = entry
    self.entries = entries
  }

  var min: Int { fixed + entry * entries.lowerBound }
  var max: Int { fixed + entry * entries.upperBound }

  func contains(_ length: Int) -> Bool {
    guard (min...max).contains(length) else { return false }
    return entry == 0 || (length - fixed).isMultiple(of: entry)
  }
}

extension MessageType {
  /// Known from the header alone, so a frame of an impossible length is refused before a byte of
  /// its body is read or room for it is made.
  ///
  /// The layouts stand in `WireMessage.swift`.
  func bodySize(flags: FrameFlags) -> BodySize {
    switch self {
    case .handshake: BodySize(64)
    case .handshakeAck: BodySize(128)
    case .keepalive: BodySize(1, entry: 18, entries: 0...Keepalive.addressesMax)
    case .publish: BodySize(Block.size)
    case .vote: BodySize(109, entry: 32, entries: 1...Vote.hashesMax)
    case .pullRequest: BodySize(41)
    case .pullResponse: BodySize(49, entry: Block.size, entries: 0...PullResponse.blocksMax)
    case .telemetry:
      flags == .request ? BodySize(0) : BodySize(44, entry: 1, entries: 1...Telemetry.versionMax)
    case .frontierRequest: BodySize(34)
    case .frontierResponse: BodySize(2, entry: 72, entries: 0...Frontier.countMax)
    case .confirmRequest: BodySize(1, entry: 72, entries: 1...ConfirmTarget.countMax)
    case .blockRequest: BodySize(1, entry: 32, entries: 1...BlockRequest.hashesMax)
    case .representativeHello: BodySize(136)
    case .receivablesRequest: BodySize(66)
    case .receivablesResponse: BodySize(2, entry: 112, entries: 0...ReceivableEntry.countMax)
    }
  }
}
