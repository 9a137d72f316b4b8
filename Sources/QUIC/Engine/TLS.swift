import CNGTCP2
import Glibc
import Kernel

/// What the TLS library refused to do, by its own name.
public struct TLSFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public let attempt: String
  public let problem: String

  public var description: String { "cannot \(attempt): \(problem)" }

  static func check(_ code: Int32, _ attempt: String) throws(TLSFailure) {
    guard code < 0 else { return }
    throw TLSFailure(attempt: attempt, problem: String(cString: gnutls_strerror(code)))
  }
}

/// The certificate and rules with which an endpoint begins every TLS 1.3 handshake.
///
/// The certificate is self-signed, made at start and forgotten at the end; it says nothing about
/// who this is, and any is accepted from the other end. Who speaks is proved above, by a signature
/// over `TLSSession.export`, which differs for each side of a man in the middle.
///
/// P-256, as that is what every TLS library verifies.
final class TLSIdentity {
  let credentials: gnutls_certificate_credentials_t
  let priorities: gnutls_priority_t

  /// TLS 1.3 with authenticated ciphers and X25519 or P-256; no resumption.
  ///
  /// The compatibility mode
  /// is for middleboxes that read TCP; RFC 9001 §8.4 forbids it in QUIC.
  private static let rules =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+CHACHA20-POLY1305:+AES-256-GCM"
    + ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:%DISABLE_TLS13_COMPAT_MODE"

  private static let lifetime: time_t = 10 * 365 * 86400
  /// A clock that is late by a day still finds the certificate begun.
  private static let backdate: time_t = 86400

  init() throws(TLSFailure) {
    var priorities: gnutls_priority_t?
    try TLSFailure.check(gnutls_priority_init(&priorities, Self.rules, nil), "set the TLS rules")
    var credentials: gnutls_certificate_credentials_t?
    let code = gnutls_certificate_allocate_credentials(&credentials)
    guard let priorities, let credentials, code == 0 else {
      if let priorities { gnutls_priority_deinit(priorities) }
      throw TLSFailure(attempt: "make TLS credentials", problem: "no memory")
    }
    self.priorities = priorities
    self.credentials = credentials
    // From here on `deinit` cleans up.
    try Self.addCertificate(to: credentials)
  }

  deinit {
    gnutls_certificate_free_credentials(credentials)  // wipes the key
    gnutls_priority_deinit(priorities)
  }

  private static func addCertificate(
    to credentials: gnutls_certificate_credentials_t
  ) throws(TLSFailure) {
    let attempt = "make a certificate"
    var key: gnutls_x509_privkey_t?
    try TLSFailure.check(gnutls_x509_privkey_init(&key), attempt)
    defer { gnutls_x509_privkey_deinit(key) }
    var certificate: gnutls_x509_crt_t?
    try TLSFailure.check(gnutls_x509_crt_init(&certificate), attempt)
    defer { gnutls_x509_crt_deinit(certificate) }

    try TLSFailure.check(
      gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, cngtcp2_p256_bits(), 0),
      attempt
    )
    var serial: [UInt8] = [1]
    let name = "CN=ephemeral"
    let now = time(nil)
    try TLSFailure.check(gnutls_x509_crt_set_version(certificate, 3), attempt)
    try TLSFailure.check(gnutls_x509_crt_set_serial(certificate, &serial, 1), attempt)
    try TLSFailure.check(gnutls_x509_crt_set_dn(certificate, name, nil), attempt)
    try TLSFailure.check(gnutls_x509_crt_set_issuer_dn(certificate, name, nil), attempt)
    try TLSFailure.check(
      gnutls_x509_crt_set_activation_time(certificate, now - backdate),
      attempt
    )
    try TLSFailure.check(
      gnutls_x509_crt_set_expiration_time(certificate, now + lifetime),
      attempt
    )
    try TLSFailure.check(gnutls_x509_crt_set_key(certificate, key), attempt)
    try TLSFailure.check(
      gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0),
      attempt
    )
    // Copies both.
    try TLSFailure.check(
      gnutls_certificate_set_x509_key(credentials, &certificate, 1, key),
      attempt
    )
  }
}

/// One TLS 1.3 handshake, driven by the engine that carries its messages.
final class TLSSession {
  enum Side { case client, server }

  let session: gnutls_session_t
  /// Kept as long as the session, which refers to it.
  private let identity: TLSIdentity

  /// Begins one; the library finds the connection through `owner`, which stays where it is.
  ///
  /// The protocol's name is for ALPN: a peer that speaks another is refused in the handshake.
  init(
    _ side: Side,
    _ identity: TLSIdentity,
    protocolName: String,
    owner: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>
  ) throws(TLSFailure) {
    self.identity = identity
    let attempt = "begin a TLS session"
    let flags = side == .server ? CNGTCP2_TLS_SERVER : CNGTCP2_TLS_CLIENT
    var session: gnutls_session_t?
    let code = gnutls_init(&session, UInt32(flags))
    guard let session, code == 0 else { throw TLSFailure(attempt: attempt, problem: "no memory") }
    self.session = session
    // From here on `deinit` cleans up.
    try TLSFailure.check(gnutls_priority_set(session, identity.priorities), attempt)
    try TLSFailure.check(
      gnutls_credentials_set(
        session,
        GNUTLS_CRD_CERTIFICATE,
        UnsafeMutableRawPointer(identity.credentials)
      ),
      attempt
    )
    gnutls_session_set_ptr(session, owner)
    let configured =
      side == .server
      ? ngtcp2_crypto_gnutls_configure_server_session(session)
      : ngtcp2_crypto_gnutls_configure_client_session(session)
    guard configured == 0 else { throw TLSFailure(attempt: attempt, problem: "no QUIC support") }
    var name = Array(protocolName.utf8)
    let set = name.withUnsafeMutableBufferPointer { name in
      var datum = gnutls_datum_t(data: name.baseAddress, size: UInt32(name.count))
      return gnutls_alpn_set_protocols(session, &datum, 1, GNUTLS_ALPN_MANDATORY.rawValue)
    }
    try TLSFailure.check(set, attempt)
  }

  deinit {
    gnutls_deinit(session)
  }

  /// Keying material that both ends and nobody else can compute (RFC 8446 §7.5), empty context.
  ///
  /// Nil before the handshake is complete.
  func export(label: String, count: Int) -> [UInt8]? {
    guard count > 0 else { return [] }
    let label = Array(label.utf8).map { CChar(bitPattern: $0) }
    var material = [CChar](repeating: 0, count: count)
    let code = gnutls_prf_rfc5705(session, label.count, label, 0, nil, count, &material)
    return code == 0 ? material.map { UInt8(bitPattern: $0) } : nil
  }
}
