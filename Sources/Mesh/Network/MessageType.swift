/// What a frame carries, as its type byte says (SPEC-009, 9.6).
public enum MessageType: UInt8, Sendable, CaseIterable {
  case handshake = 0x01
  case ping = 0x02
  case pong = 0x03
  case goAway = 0x04
  case error = 0x05
  case voteRequest = 0x10
  case voteResponse = 0x11
  case voteReject = 0x12
  case settlementCertificate = 0x13
  case certificateAck = 0x14
  case equivocationNotice = 0x15
  case ballotRequest = 0x16
  case ballotAck = 0x17
  case validatorEquivocation = 0x18
  case queryAccount = 0x30
  case accountInfo = 0x31
  case queryCertificate = 0x32
  case certificate = 0x33
  case queryOutputs = 0x34
  case outputs = 0x35
  case queryNetwork = 0x36
  case networkInfo = 0x37
  case subscribe = 0x38
  case event = 0x39
  case notFound = 0x3a
  case syncRequest = 0x50
  case syncResponse = 0x51
  case gapRequest = 0x52
  case digestRequest = 0x53
  case digest = 0x54
  case logRequest = 0x55
  case logHashes = 0x56

  /// Types that a later version may use; who does not know them skips them.
  public static let experimental: ClosedRange<UInt8> = 0xf0...0xff
}

/// Why a connection or a stream ends (SPEC-009, 9.8).
public enum CloseCode: UInt16, Sendable, CaseIterable {
  case none = 0x00
  case protocolViolation = 0x01
  case frameTooLarge = 0x02
  case unknownType = 0x03
  case handshakeFailed = 0x04
  case wrongNetwork = 0x05
  case identityMismatch = 0x06
  case timeout = 0x07
  case rateLimited = 0x08
  case internalError = 0x09
  case shuttingDown = 0x0a
  case handshakeRequired = 0x0b
  case unsupportedVersion = 0x0c
}
