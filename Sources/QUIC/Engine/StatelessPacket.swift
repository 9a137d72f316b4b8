import CNGTCP2
import Kernel
import Transport

/// Packets that are read and answered without a connection: what a stranger costs is computation.
enum StatelessPacket {
  /// How a datagram is addressed.
  enum Address {
    /// By a name; `isLong` packets carry a version and come before the handshake's end.
    case to(ConnectionID, isLong: Bool)
    /// A version that is not spoken here: `versionNegotiation` answers.
    case unknownVersion(theirs: [UInt8], ours: [UInt8])
    case unreadable
  }

  /// Bytes of a datagram that a client begins with, at least (RFC 9000 §14.1).
  static let initialMin = 1200
  static let resetTokenSize = 16
  /// Bytes of a reset: a token and at least five of noise.
  ///
  /// It is shorter than what it answers, or two ends would reset each other for ever, and up to 42
  /// looks like any other packet (RFC 9000 §10.3).
  private static let resetSizes = 21...42

  static func address(of datagram: UnsafeRawBufferPointer) -> Address {
    var fields = ngtcp2_version_cid()
    let code = ngtcp2_pkt_decode_version_cid(
      &fields,
      datagram.baseAddress?.assumingMemoryBound(to: UInt8.self),
      datagram.count,
      ConnectionID.ownSize
    )
    let name = UnsafeRawBufferPointer(start: fields.dcid, count: fields.dcidlen)
    if code == NGTCP2_ERR_VERSION_NEGOTIATION {
      guard datagram.count >= initialMin else { return .unreadable }
      let theirs = UnsafeRawBufferPointer(start: fields.scid, count: fields.scidlen)
      return .unknownVersion(theirs: Array(theirs), ours: Array(name))
    }
    guard code == 0, let id = ConnectionID(name) else { return .unreadable }
    return .to(id, isLong: fields.version != 0)
  }

  /// The first packet of a client; nil if it is none.
  static func opening(_ datagram: UnsafeRawBufferPointer) -> Engine.Opening? {
    var header = ngtcp2_pkt_hd()
    let code = ngtcp2_accept(
      &header,
      datagram.baseAddress?.assumingMemoryBound(to: UInt8.self),
      datagram.count
    )
    guard code == 0, datagram.count >= initialMin else { return nil }
    let destination = ConnectionID(header.dcid)
    return Engine.Opening(
      clientID: ConnectionID(header.scid),
      destinationID: destination,
      originalID: destination,
      isAfterRetry: false,
      version: header.version,
      token: Array(UnsafeBufferPointer(start: header.token.base, count: header.token.len))
    )
  }

  // MARK: Retry

  /// A Retry, which makes the client prove that it is where it says it is, before it costs memory.
  static func retry(
    _ opening: Engine.Opening,
    to remote: SocketAddress,
    family: Int32,
    secret: SecretBytes,
    now: Instant,
    into buffer: UnsafeMutableRawBufferPointer
  ) -> Int? {
    var newID = ConnectionID.random().engineForm
    var clientID = opening.clientID.engineForm
    var originalID = opening.destinationID.engineForm
    var token = [UInt8](repeating: 0, count: Int(CNGTCP2_RETRY_TOKEN_MAX))
    let size = remote.withSockaddr(family: family) { address, addressSize in
      secret.withUnsafeBytes {
        ngtcp2_crypto_generate_retry_token(
          &token,
          $0.baseAddress?.assumingMemoryBound(to: UInt8.self),
          $0.count,
          opening.version,
          address,
          addressSize,
          &newID,
          &originalID,
          now.nanoseconds
        )
      }
    }
    guard size > 0 else { return nil }
    return written(
      ngtcp2_crypto_write_retry(
        buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
        buffer.count,
        opening.version,
        &clientID,
        &newID,
        &originalID,
        token,
        size
      )
    )
  }

  /// The opening as its token proves it, nil if the token is not one that was given to the address
  /// within `lifetime`.
  static func validated(
    _ opening: Engine.Opening,
    from remote: SocketAddress,
    family: Int32,
    secret: SecretBytes,
    lifetime: Duration,
    now: Instant
  ) -> Engine.Opening? {
    var originalID = ngtcp2_cid()
    var destination = opening.destinationID.engineForm
    let code = remote.withSockaddr(family: family) { address, addressSize in
      secret.withUnsafeBytes {
        ngtcp2_crypto_verify_retry_token(
          &originalID,
          opening.token,
          opening.token.count,
          $0.baseAddress?.assumingMemoryBound(to: UInt8.self),
          $0.count,
          opening.version,
          address,
          addressSize,
          &destination,
          UInt64(clamping: lifetime.wholeNanoseconds),
          now.nanoseconds
        )
      }
    }
    guard code == 0 else { return nil }
    var validated = opening
    validated.originalID = ConnectionID(originalID)
    validated.isAfterRetry = true
    return validated
  }

  // MARK: Refusals

  enum Refusal: UInt64 {
    /// CONNECTION_REFUSED of RFC 9000 §20.1: too many connections.
    case full = 0x02
    /// INVALID_TOKEN: the Retry must be asked for anew.
    case invalidToken = 0x0b
  }

  /// The close that a client gets instead of a handshake.
  static func refusal(
    _ refusal: Refusal,
    of opening: Engine.Opening,
    into buffer: UnsafeMutableRawBufferPointer
  ) -> Int? {
    var clientID = opening.clientID.engineForm
    var ownID = opening.destinationID.engineForm
    return written(
      ngtcp2_crypto_write_connection_close(
        buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
        buffer.count,
        opening.version,
        &clientID,
        &ownID,
        refusal.rawValue,
        nil,
        0
      )
    )
  }

  /// The list of versions spoken here: QUIC v1.
  static func versionNegotiation(
    theirs: [UInt8],
    ours: [UInt8],
    into buffer: UnsafeMutableRawBufferPointer
  ) -> Int? {
    let versions = [NGTCP2_PROTO_VER_V1]
    return written(
      ngtcp2_pkt_write_version_negotiation(
        buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
        buffer.count,
        UInt8.random(in: 0...255),
        theirs,
        theirs.count,
        ours,
        ours.count,
        versions,
        versions.count
      )
    )
  }

  // MARK: Stateless reset

  static func fillResetToken(
    _ token: UnsafeMutableRawBufferPointer,
    for id: ConnectionID,
    _ secret: SecretBytes
  ) {
    precondition(token.count == resetTokenSize)
    var id = id.engineForm
    let code = secret.withUnsafeBytes {
      ngtcp2_crypto_generate_stateless_reset_token(
        token.baseAddress?.assumingMemoryBound(to: UInt8.self),
        $0.baseAddress?.assumingMemoryBound(to: UInt8.self),
        $0.count,
        &id
      )
    }
    precondition(code == 0)  // a hash of a few bytes
  }

  /// Says that a connection is unknown here, in a way that only its other end understands.
  ///
  /// `size` is that of the packet that is answered; one too small has no answer.
  static func reset(
    _ id: ConnectionID,
    answering size: Int,
    secret: SecretBytes,
    into buffer: UnsafeMutableRawBufferPointer
  ) -> Int? {
    let resetSize = min(size - 1, resetSizes.upperBound)
    guard resetSize >= resetSizes.lowerBound else { return nil }
    return withUnsafeTemporaryAllocation(byteCount: resetSize, alignment: 1) { bytes in
      let token = UnsafeMutableRawBufferPointer(rebasing: bytes[..<resetTokenSize])
      let noise = UnsafeMutableRawBufferPointer(rebasing: bytes[resetTokenSize...])
      fillResetToken(token, for: id, secret)
      Randomness.fill(noise)
      return written(
        ngtcp2_pkt_write_stateless_reset(
          buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
          buffer.count,
          token.baseAddress?.assumingMemoryBound(to: UInt8.self),
          noise.baseAddress?.assumingMemoryBound(to: UInt8.self),
          noise.count
        )
      )
    }
  }

  private static func written(_ count: ngtcp2_ssize) -> Int? {
    count > 0 ? count : nil
  }
}
