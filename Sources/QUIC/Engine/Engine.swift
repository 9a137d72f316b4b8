import CNGTCP2
import EventLoop
import Glibc
import Kernel
import Transport

/// The state of one QUIC connection, in ngtcp2, and of its TLS session.
///
/// It reads datagrams and writes datagrams; what happened lies in `events` afterwards. ngtcp2 calls
/// back while it reads, and must not be called from there: so a callback only notes.
///
/// This folder is the only place that knows ngtcp2 and GnuTLS.
final class Engine {
  /// What a peer or the network did, in order.
  enum Event {
    case handshakeCompleted
    case streamOpened(Int64)
    case received(Int64, [UInt8], isLast: Bool)
    /// Bytes of the stream before this offset have arrived and may be forgotten.
    case acknowledged(Int64, upTo: UInt64)
    /// The other end will send no more of the stream, nor read.
    case streamAborted(Int64, code: UInt64)
    /// Both directions are done; the stream no longer exists.
    case streamClosed(Int64)
    /// The other end permits more streams.
    case mayOpenStreams
    /// The other end permits more bytes of the stream.
    case mayWrite(Int64)
    case named(ConnectionID)
    case unnamed(ConnectionID)
    /// The other end would reset the connection by this token, from now on or no more.
    case resetToken(ResetToken, isActive: Bool)
    case statelessReset
  }

  /// What is left of the connection after a call.
  enum Verdict {
    case alive
    /// Ended by the other end: nothing more may be sent.
    case drained
    /// Ended by nobody: nothing was heard for too long.
    case idle
    case handshakeTimedOut
    /// To be forgotten in silence.
    case dropped
    /// Broken: `writeClose` says so to the other end.
    case failed(Int32)
  }

  struct Parameters {
    var limits: QUICLimits
    var protocolName: String
    /// From which the tokens of stateless resets are derived.
    var resetSecret: SecretBytes
    var local: SocketAddress
    var remote: SocketAddress
    /// AF_INET or AF_INET6, of the socket.
    var family: Int32
  }

  /// What the first packet of a client and its token say.
  struct Opening {
    var clientID: ConnectionID
    /// What the client called this end in the packet.
    var destinationID: ConnectionID
    /// What it had called this end before a Retry.
    var originalID: ConnectionID
    var isAfterRetry: Bool
    var version: UInt32
    var token: [UInt8]

    /// Tells the token of a Retry from one that another server gave for later.
    var hasRetryToken: Bool { token.first == UInt8(NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) }
  }

  private(set) var events: [Event] = []
  private(set) var connection: OpaquePointer?
  private var session: TLSSession?
  private let resetSecret: SecretBytes
  private let family: Int32
  private let reference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>
  private let path: UnsafeMutablePointer<ngtcp2_path_storage>
  private let sendPath: UnsafeMutablePointer<ngtcp2_path_storage>

  // MARK: Making one

  /// The calling end.
  convenience init(
    calling parameters: Parameters,
    _ identity: TLSIdentity,
    now: Instant
  ) throws(TLSFailure) {
    self.init(parameters)
    var transport = parameters.limits.transportParameters
    var settings = parameters.limits.settings(now: now)
    var callbacks = ngtcp2_callbacks(asServer: false)
    var destination = ConnectionID.random(size: 16).engineForm
    let ownID = ConnectionID.random()
    var source = ownID.engineForm
    var made: OpaquePointer?
    let code = ngtcp2_conn_client_new_versioned(
      &made,
      &destination,
      &source,
      &path.pointee.path,
      NGTCP2_PROTO_VER_V1,
      NGTCP2_CALLBACKS_VERSION,
      &callbacks,
      NGTCP2_SETTINGS_VERSION,
      &settings,
      NGTCP2_TRANSPORT_PARAMS_VERSION,
      &transport,
      nil,
      Unmanaged.passUnretained(self).toOpaque()
    )
    try attach(made, code, .client, identity, parameters)
    events.append(.named(ownID))
  }

  /// The called end, for the client whose first packet is to be given to `receive` next.
  convenience init(
    answering opening: Opening,
    _ parameters: Parameters,
    _ identity: TLSIdentity,
    now: Instant
  ) throws(TLSFailure) {
    self.init(parameters)
    var transport = parameters.limits.transportParameters
    transport.original_dcid = opening.originalID.engineForm
    if opening.isAfterRetry {
      transport.retry_scid = opening.destinationID.engineForm
      transport.retry_scid_present = 1
    }
    let ownID = ConnectionID.random()
    transport.stateless_reset_token_present = 1
    withUnsafeMutableBytes(of: &transport.stateless_reset_token) {
      StatelessPacket.fillResetToken($0, for: ownID, parameters.resetSecret)
    }
    var settings = parameters.limits.settings(now: now)
    var callbacks = ngtcp2_callbacks(asServer: true)
    var destination = opening.clientID.engineForm
    var source = ownID.engineForm
    var token = opening.token
    var made: OpaquePointer?
    let code = token.withUnsafeMutableBufferPointer { token in
      // Copied by the call.
      settings.token = ngtcp2_vec(base: token.baseAddress, len: token.count)
      return ngtcp2_conn_server_new_versioned(
        &made,
        &destination,
        &source,
        &path.pointee.path,
        opening.version,
        NGTCP2_CALLBACKS_VERSION,
        &callbacks,
        NGTCP2_SETTINGS_VERSION,
        &settings,
        NGTCP2_TRANSPORT_PARAMS_VERSION,
        &transport,
        nil,
        Unmanaged.passUnretained(self).toOpaque()
      )
    }
    try attach(made, code, .server, identity, parameters)
    events.append(.named(opening.destinationID))
    events.append(.named(ownID))
  }

  private init(_ parameters: Parameters) {
    resetSecret = parameters.resetSecret
    family = parameters.family
    reference = .allocate(capacity: 1)
    path = .allocate(capacity: 1)
    sendPath = .allocate(capacity: 1)
    ngtcp2_path_storage_zero(sendPath)
    parameters.local.withSockaddr(family: family) { local, localSize in
      parameters.remote.withSockaddr(family: family) { remote, remoteSize in
        ngtcp2_path_storage_init(path, local, localSize, remote, remoteSize, nil)
      }
    }
    reference.initialize(
      to: ngtcp2_crypto_conn_ref(
        get_conn: { Engine.from($0?.pointee.user_data).connection },
        user_data: Unmanaged.passUnretained(self).toOpaque()
      )
    )
  }

  private func attach(
    _ made: OpaquePointer?,
    _ code: Int32,
    _ side: TLSSession.Side,
    _ identity: TLSIdentity,
    _ parameters: Parameters
  ) throws(TLSFailure) {
    guard let made, code == 0 else {
      throw TLSFailure(
        attempt: "make a connection",
        problem: String(cString: ngtcp2_strerror(code))
      )
    }
    connection = made
    let session = try TLSSession(
      side,
      identity,
      protocolName: parameters.protocolName,
      owner: reference
    )
    self.session = session
    ngtcp2_conn_set_tls_native_handle(made, UnsafeMutableRawPointer(session.session))
  }

  deinit {
    if let connection { ngtcp2_conn_del(connection) }
    session = nil
    reference.deallocate()
    path.deallocate()
    sendPath.deallocate()
  }

  static func from(_ userData: UnsafeMutableRawPointer?) -> Engine {
    guard let userData else { preconditionFailure("a callback without its connection") }
    return Unmanaged<Engine>.fromOpaque(userData).takeUnretainedValue()
  }

  // MARK: What callbacks note

  func note(_ event: Event) {
    events.append(event)
  }

  /// Makes a further name by which the other end may call this one.
  func makeName(size: Int, token: UnsafeMutablePointer<UInt8>) -> ngtcp2_cid {
    let id = ConnectionID.random(size: size)
    StatelessPacket.fillResetToken(.init(start: token, count: 16), for: id, resetSecret)
    events.append(.named(id))
    return id.engineForm
  }

  func takeEvents() -> [Event] {
    defer { events.removeAll(keepingCapacity: true) }
    return events
  }

  // MARK: Reading and time

  func receive(_ datagram: UnsafeRawBufferPointer, from remote: SocketAddress, now: Instant)
    -> Verdict
  {
    remote.withSockaddr(family: family) {
      ngtcp2_addr_copy_byte(&path.pointee.path.remote, $0, $1)
    }
    let code = ngtcp2_conn_read_pkt_versioned(
      connection,
      &path.pointee.path,
      NGTCP2_PKT_INFO_VERSION,
      nil,
      datagram.baseAddress?.assumingMemoryBound(to: UInt8.self),
      datagram.count,
      now.nanoseconds
    )
    return verdict(on: code)
  }

  /// When `handleExpiry` is due; nil for never.
  var expiry: Instant? {
    let expiry = ngtcp2_conn_get_expiry(connection)
    return expiry == .max ? nil : Instant(nanoseconds: expiry)
  }

  func handleExpiry(now: Instant) -> Verdict {
    verdict(on: ngtcp2_conn_handle_expiry(connection, now.nanoseconds))
  }

  func verdict(on code: Int32) -> Verdict {
    switch code {
    case 0: .alive
    case NGTCP2_ERR_DRAINING, NGTCP2_ERR_CLOSING: .drained
    case NGTCP2_ERR_IDLE_CLOSE: .idle
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT: .handshakeTimedOut
    // A server is asked for a Retry here only by a client that no handshake is possible with.
    case NGTCP2_ERR_DROP_CONN, NGTCP2_ERR_RETRY: .dropped
    default: .failed(code)
    }
  }

  // MARK: Writing

  enum Written {
    /// A datagram of so many bytes is complete.
    case datagram(Int)
    /// There is room in the datagram for more; write on.
    case more
    /// The stream may not send now; write on with another.
    case blocked
    /// The stream sends no more; write on with another.
    case gone
    /// Nothing can be sent now: the congestion window is full, or there is nothing to say.
    case nothing
    case failed(Int32)
  }

  /// Writes one datagram, in as many calls as it holds pieces of streams.
  ///
  /// - Parameters:
  ///   - stream: whose bytes come next; nil to complete the datagram.
  ///   - piece: must stay in place until it is acknowledged.
  ///   - isLast: the stream ends with the piece.
  ///   - buffer: for the datagram; the same in all its calls.
  ///   - now: the same in all its calls.
  /// - Returns: what happened, and how many bytes of the piece were taken, nil for not even its end.
  func write(
    _ stream: Int64?,
    _ piece: UnsafeRawBufferPointer,
    isLast: Bool,
    into buffer: UnsafeMutableRawBufferPointer,
    now: Instant
  ) -> (Written, taken: Int?) {
    var flags = stream == nil ? 0 : NGTCP2_WRITE_STREAM_FLAG_MORE
    if isLast { flags |= NGTCP2_WRITE_STREAM_FLAG_FIN }
    var taken: ngtcp2_ssize = -1
    var vector = ngtcp2_vec(
      base: UnsafeMutableRawPointer(mutating: piece.baseAddress)?
        .assumingMemoryBound(to: UInt8.self),
      len: piece.count
    )
    let count = ngtcp2_conn_writev_stream_versioned(
      connection,
      &sendPath.pointee.path,
      NGTCP2_PKT_INFO_VERSION,
      nil,
      buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
      buffer.count,
      &taken,
      flags,
      stream ?? -1,
      &vector,
      piece.isEmpty ? 0 : 1,
      now.nanoseconds
    )
    let written: Written =
      switch Int32(truncatingIfNeeded: count) {
      case 0: .nothing
      case 1...: .datagram(count)
      case NGTCP2_ERR_WRITE_MORE: .more
      case NGTCP2_ERR_STREAM_DATA_BLOCKED: .blocked
      case NGTCP2_ERR_STREAM_SHUT_WR, NGTCP2_ERR_STREAM_NOT_FOUND: .gone
      case let code: .failed(code)
      }
    return (written, taken < 0 ? nil : taken)
  }

  /// The datagrams of a burst have left: the next may, when its pace allows.
  func burstEnded(now: Instant) {
    ngtcp2_conn_update_pkt_tx_time(connection, now.nanoseconds)
  }

  /// Bytes that one burst may have.
  var burstMax: Int { ngtcp2_conn_get_send_quantum(connection) }

  /// Lends the address that the datagram just written goes to.
  func withDestination<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result? {
    let remote = sendPath.pointee.path.remote
    guard let address = remote.addr, remote.addrlen > 0 else { return nil }
    return body(address, remote.addrlen)
  }

  /// Writes the packet that ends the connection; nil if there is nobody to tell.
  func writeClose(
    _ error: ClosingError,
    into buffer: UnsafeMutableRawBufferPointer,
    now: Instant
  ) -> Int? {
    var reason = Array(error.reason.utf8.prefix(QUICLimits.closeReasonMax))
    let count = reason.withUnsafeMutableBufferPointer { reason in
      var form = ngtcp2_connection_close_error()
      switch error.kind {
      case .application(let code):
        ngtcp2_connection_close_error_set_application_error(
          &form,
          code,
          reason.baseAddress,
          reason.count
        )
      case .engine(NGTCP2_ERR_CRYPTO):
        ngtcp2_connection_close_error_set_transport_error_tls_alert(
          &form,
          ngtcp2_conn_get_tls_alert(connection),
          reason.baseAddress,
          reason.count
        )
      case .engine(let code):
        ngtcp2_connection_close_error_set_transport_error_liberr(
          &form,
          code,
          reason.baseAddress,
          reason.count
        )
      }
      return ngtcp2_conn_write_connection_close_versioned(
        connection,
        &sendPath.pointee.path,
        NGTCP2_PKT_INFO_VERSION,
        nil,
        buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
        buffer.count,
        &form,
        now.nanoseconds
      )
    }
    return count > 0 ? count : nil
  }

  struct ClosingError {
    enum Kind {
      case application(UInt64)
      case engine(Int32)
    }
    var kind: Kind
    var reason: String
  }

  // MARK: Streams

  /// Nil if the other end permits no more for now.
  func openStream() -> Int64? {
    var id: Int64 = -1
    return ngtcp2_conn_open_bidi_stream(connection, &id, nil) == 0 ? id : nil
  }

  /// Ends both directions at once, dropping what is on its way.
  func abort(_ stream: Int64, code: UInt64) {
    // Refuses only a stream that is gone.
    ngtcp2_conn_shutdown_stream(connection, stream, code)
  }

  /// So many more bytes may come on a stream; nothing if it is gone.
  func permitOnStream(_ count: Int, _ stream: Int64) {
    ngtcp2_conn_extend_max_stream_offset(connection, stream, UInt64(count))
  }

  /// So many more bytes may come on all streams together.
  func permitOnConnection(_ count: Int) {
    ngtcp2_conn_extend_max_offset(connection, UInt64(count))
  }

  /// A stream of the other end is dealt with: it may open another.
  func permitStream() {
    ngtcp2_conn_extend_max_streams_bidi(connection, 1)
  }

  // MARK: Facts

  func export(label: String, count: Int) -> [UInt8]? {
    session?.export(label: label, count: count)
  }

  /// How long packets of either end may still come after the end.
  ///
  /// Three probe timeouts at least (RFC 9000 §10.2), and long enough for the other end to speak once
  /// more if the farewell was lost.
  var lingering: Duration {
    max(.nanoseconds(Int64(clamping: ngtcp2_conn_get_pto(connection))) * 3, .seconds(1))
  }

  var roundTrip: Duration {
    var statistics = ngtcp2_conn_stat()
    ngtcp2_conn_get_conn_stat_versioned(connection, NGTCP2_CONN_STAT_VERSION, &statistics)
    return .nanoseconds(Int64(clamping: statistics.smoothed_rtt))
  }

  /// Where the other end is now; it may move.
  var remote: SocketAddress? {
    guard let path = ngtcp2_conn_get_path(connection), let address = path.pointee.remote.addr
    else { return nil }
    var storage = sockaddr_storage()
    memcpy(&storage, address, Int(path.pointee.remote.addrlen))
    return withUnsafePointer(to: storage) { SocketAddress($0) }
  }

  /// What the other end gave as its reason to close.
  var remoteClose: (isApplication: Bool, code: UInt64, reason: String) {
    var form = ngtcp2_connection_close_error()
    ngtcp2_conn_get_connection_close_error(connection, &form)
    let bytes = UnsafeBufferPointer(start: form.reason, count: form.reasonlen)
    // A stranger's text on its way to a log: a line of plain letters.
    let text = bytes.prefix(QUICLimits.closeReasonMax).map {
      (0x20..<0x7f).contains($0) ? Character(Unicode.Scalar($0)) : "?"
    }
    return (
      form.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION, form.error_code,
      String(text)
    )
  }

  /// The error code on the wire, and its cause in words, of a failure here.
  func explain(_ code: Int32) -> (code: UInt64, problem: String) {
    if code == NGTCP2_ERR_CRYPTO {
      let alert = ngtcp2_conn_get_tls_alert(connection)
      let name = gnutls_alert_get_name(gnutls_alert_description_t(UInt32(alert)))
      return (0x100 | UInt64(alert), name.map { "TLS: " + String(cString: $0) } ?? "TLS failed")
    }
    return (
      ngtcp2_err_infer_quic_transport_error_code(code), String(cString: ngtcp2_strerror(code))
    )
  }
}

extension QUICLimits {
  fileprivate var transportParameters: ngtcp2_transport_params {
    var parameters = ngtcp2_transport_params()
    ngtcp2_transport_params_default_versioned(NGTCP2_TRANSPORT_PARAMS_VERSION, &parameters)
    parameters.initial_max_data = UInt64(connectionWindow)
    parameters.initial_max_stream_data_bidi_local = UInt64(streamWindow)
    parameters.initial_max_stream_data_bidi_remote = UInt64(streamWindow)
    parameters.initial_max_streams_bidi = UInt64(streamsMax)
    parameters.initial_max_streams_uni = 0
    parameters.max_idle_timeout = UInt64(clamping: idleTimeout.wholeNanoseconds)
    parameters.max_ack_delay = UInt64(clamping: acknowledgementDelay.wholeNanoseconds)
    return parameters
  }

  fileprivate func settings(now: Instant) -> ngtcp2_settings {
    var settings = ngtcp2_settings()
    ngtcp2_settings_default_versioned(NGTCP2_SETTINGS_VERSION, &settings)
    settings.initial_ts = now.nanoseconds
    settings.initial_rtt = UInt64(clamping: initialRoundTrip.wholeNanoseconds)
    settings.handshake_timeout = UInt64(clamping: handshakeTimeout.wholeNanoseconds)
    return settings
  }
}
