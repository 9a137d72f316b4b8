import Kernel
import Mesh
import Storage

// How values lie in columns, where their own encoding does not say.

extension Statement.Row {
  /// A column's bytes as a value; what does not decode was not written here.
  func decode<Value>(
    _ column: Int32,
    _ what: String,
    _ read: ([UInt8]) throws(DecodingFailure) -> Value
  ) throws -> Value {
    do throws(DecodingFailure) {
      return try read(bytes(column))
    } catch {
      throw damaged("the \(what) of a row \(error)")
    }
  }

  func decoded<Value: WireCodable>(_ column: Int32, _ what: String) throws -> Value {
    try decode(column, what) { bytes throws(DecodingFailure) in try Value(encoded: bytes) }
  }

  /// Columns: id, source, position, origin, output, is_source_applied, claimed_by.
  func outputRecord() throws -> OutputRecord {
    guard let position = UInt16(exactly: integer(2)) else {
      throw damaged("an output's place is out of range")
    }
    let (slot, asset) = try decode(3, "output's origin") { bytes throws(DecodingFailure) in
      var reader = ByteReader(bytes)
      let account = AccountID(try reader.bytes32())
      let slot = Slot(account: account, sequence: SequenceNumber(try reader.uint64()))
      let asset = AssetID(try reader.uint32())
      try reader.finish()
      return (slot, asset)
    }
    return OutputRecord(
      index: UInt64(bitPattern: integer(0)),
      reference: OutputReference(source: TransitionHash(try bytes32(1)), index: position),
      source: slot,
      asset: asset,
      output: try decoded(4, "output"),
      isSourceApplied: integer(5) != 0,
      claimedBy: isNull(6) ? nil : TransitionHash(try bytes32(6))
    )
  }
}

extension OutputRecord {
  /// account 32 ‖ sequence u64 ‖ asset u32.
  var encodedOrigin: [UInt8] {
    var writer = ByteWriter(capacity: 44)
    writer.bytes32(source.account.bytes)
    writer.integer(source.sequence.number)
    writer.integer(asset.number)
    return writer.bytes
  }
}

extension SlotLock {
  /// u8 count × (u32 length ‖ transition ‖ vote), in ascending order of ballots.
  var encodedVotes: [UInt8] {
    var writer = ByteWriter(capacity: 1500 * votes.count + 1)
    writer.integer(UInt8(votes.count))
    for cast in votes {
      let transition = cast.transition.encoded
      writer.integer(UInt32(transition.count))
      writer.array(transition)
      writer.array(cast.vote.encoded)
    }
    return writer.bytes
  }

  static func votes(from bytes: [UInt8]) throws(DecodingFailure) -> [CastVote] {
    var reader = ByteReader(bytes)
    var votes: [CastVote] = []
    for _ in 0..<(try reader.uint8()) {
      let count = Int(try reader.uint32())
      guard count <= Limits.transitionBytes else { throw reader.failure(.tooLong("transition")) }
      let transition = try Transition(encoded: try reader.array(count))
      votes.append(CastVote(transition: transition, vote: try ValidatorVote(from: &reader)))
    }
    try reader.finish()
    return votes
  }
}

extension Evidence {
  /// The proof; of a certificate, u16 rule ‖ certificate.
  var encodedBody: [UInt8] {
    switch self {
    case .owner(let proof): return proof.encoded
    case .validator(let proof): return proof.encoded
    case .certificate(let certificate, let rejection):
      var writer = ByteWriter()
      writer.integer(rejection.rawValue)
      certificate.encode(into: &writer)
      return writer.bytes
    }
  }

  init(kind: Int64, _ bytes: [UInt8]) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    switch kind {
    case 0: self = .owner(try EquivocationProof(from: &reader))
    case 1: self = .validator(try ValidatorEquivocationProof(from: &reader))
    case 2:
      guard let rejection = TransitionRejection(rawValue: try reader.uint16()) else {
        throw reader.failure(.unknown("rule"))
      }
      self = .certificate(try SettlementCertificate(from: &reader), rejection)
    default: throw reader.failure(.unknown("kind of evidence"))
    }
    try reader.finish()
  }
}

extension LedgerTotals {
  /// fees, accounts, log, outputs, buffer, evidence: u64 each ‖ halted u8.
  var stored: [UInt8] {
    var writer = ByteWriter(capacity: 49)
    for value in [
      feePool.units, accounts, logCount, outputCount, bufferCount, evidenceCount,
    ] { writer.integer(value) }
    writer.integer(UInt8(isHalted ? 1 : 0))
    return writer.bytes
  }

  init(stored bytes: [UInt8]) throws(DecodingFailure) {
    self.init()
    var reader = ByteReader(bytes)
    feePool = Amount(try reader.uint64())
    accounts = try reader.uint64()
    logCount = try reader.uint64()
    outputCount = try reader.uint64()
    bufferCount = try reader.uint64()
    evidenceCount = try reader.uint64()
    isHalted = try reader.uint8() != 0
    try reader.finish()
  }
}
