/// Bounds of what outsiders may send, SPEC-002, 2.9; a decoder checks them before it allocates.
public enum Limits {
  /// Outputs that one transition may claim: its encoding stays near 2 KB.
  public static let claims = 64
  /// With the new balance 16 values, as many as one range proof holds.
  public static let outputs = 15
  public static let transitionBytes = 64 << 10
  /// 128 signatures of suite 1 and a transition.
  public static let certificateBytes = 512 << 10
  /// Length field of a frame: type and payload.
  public static let frameBytes = 1 << 20
  /// Bits of the signers' mask.
  public static let validators = 128
  public static let assets = 1
  /// First accounts of a genesis: 45 bytes each in its file, and 48 in the memory of every validator.
  ///
  /// Whoever runs the network chooses them, so this bounds a mistake, not an attack. Such a file of 12 MB
  /// goes from hand to hand; one that does not fit a frame is not sent.
  public static let allocations = 1 << 18
  /// Certificates in one answer to a peer that catches up.
  public static let syncCertificates = 256
  /// What such an answer may hold, so that it fits a frame with its fixed part.
  public static let syncBytes = frameBytes - 64
  /// Hashes in one answer to a peer that compares logs: 32 KB, looked up in a few milliseconds.
  public static let logHashes = 1024
  /// Dependencies of a vote request, in bytes; larger ones go ahead as certificates.
  public static let dependencyBytes = 512 << 10
  /// Transitions that a validator votes for in one slot, and reports.
  ///
  /// Each further one takes a recovery of its owner; an honest owner stops at one.
  public static let reports = 8
  /// Rows in one page of outputs: 728 bytes each at most.
  public static let outputsPage = 512
  /// Attachments of a rejection: evidence, certificate, pending transition, references.
  public static let attachments = 4
  /// The longest text of an error or a GOAWAY.
  public static let reasonBytes = 255
}
