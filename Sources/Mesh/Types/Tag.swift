import Keccak
import Kernel

/// What a hash or a signature is for: each use has its own tag, so that no value of one use is one of
/// another.
///
///     T(tag, data) = u8(length of tag) ‖ tag ‖ data
///
/// SPEC-006, 6.2 and 6.8. The tag of the Pedersen base stands in BulletproofsPlus.
enum Tag: String, CaseIterable, Sendable {
  case genesis
  case accountID = "account-id"
  case accountOrigin = "account-origin"
  case accountState = "account-state"
  case validatorSet = "validator-set"
  case transitionBody = "transition-body"
  case proof
  case transition
  case evidence
  case signTransition = "sign/transition"
  case signVote = "sign/vote"
  case signBallot = "sign/ballot"
  case signBallotAck = "sign/ballot-ack"
  case signHandshake = "sign/handshake"
  case accountSeed = "account-seed"
  case spendSeed = "spend-seed"
  case viewSeed = "view-seed"
  case ownerSeed = "owner-seed"
  case ephemeralSeed = "ephemeral-seed"
  case ephemeral
  case outputKDF = "output-kdf"
  case ownerMemoContext = "owner-memo-ctx"
  case ownerMemoKey = "owner-memo-key"
  case stateDigest = "state-digest"
  /// In a wallet's own file alone.
  case openedPayment = "opened-payment"
  case generator

  /// u8(length) ‖ tag.
  private var prefix: [UInt8] {
    let text = Array("MESH/v1/\(rawValue)".utf8)
    return [UInt8(text.count)] + text
  }

  /// T(tag, data): what is signed.
  func message(_ data: [UInt8]) -> [UInt8] { prefix + data }

  /// H256: SHA3-256 of T(tag, data).
  func hash(_ data: [UInt8]) -> Bytes32 {
    var hash = SHA3_256()
    hash.absorb(prefix)
    hash.absorb(data)
    guard let digest = Bytes32(hash.digest()) else { preconditionFailure("32 bytes") }
    return digest
  }

  /// XOF: the first bytes of SHAKE256 of T(tag, secret ‖ data), in memory that is wiped.
  func derive(_ secret: SecretBytes, _ data: [UInt8] = [], count: Int = 32) -> SecretBytes {
    var hash = stream(secret, data)
    defer { hash.wipe() }
    var bytes = hash.squeeze(count)
    return SecretBytes(wiping: &bytes)
  }

  /// The same without an end.
  func stream(_ secret: SecretBytes, _ data: [UInt8] = []) -> SHAKE256 {
    var hash = SHAKE256(absorbing: prefix)
    secret.withUnsafeBytes { hash.absorb($0) }
    hash.absorb(data)
    return hash
  }
}

/// Random numbers that only the holder of a secret can tell: SHAKE256 of it and a number.
///
/// For blindings and for the weights of a batch, where the machine must not ask the system itself.
struct SecretGenerator: RandomNumberGenerator, Sendable {
  private var hash: SHAKE256

  /// Equal secrets and numbers give equal streams: never use a number twice.
  init(_ secret: SecretBytes, number: UInt64) {
    hash = Tag.generator.stream(secret, number.littleEndianBytes)
  }

  mutating func next() -> UInt64 {
    hash.squeeze(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  mutating func bytes(_ count: Int) -> [UInt8] { hash.squeeze(count) }
}

extension FixedWidthInteger {
  var littleEndianBytes: [UInt8] {
    withUnsafeBytes(of: littleEndian) { [UInt8]($0) }
  }
}
