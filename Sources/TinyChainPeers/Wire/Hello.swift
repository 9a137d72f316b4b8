public import Kernel

/// The first thing that two nodes tell each other: who they are, and what they have.
public struct Hello: Hashable, Sendable {
  public var version: UInt32
  /// The network's; another is refused.
  public var genesis: Bytes32
  /// Drawn at each start: a node that hears its own has called itself.
  public var nonce: UInt64
  /// Where the node can be called; 0 if it cannot.
  public var port: UInt16
  /// The newest block that was executed.
  public var tip: Bytes32
  /// The work of the chain up to it, as a number whose first byte is most significant.
  public var work: Bytes32

  public init(
    version: UInt32 = PeerLimits.version,
    genesis: Bytes32,
    nonce: UInt64,
    port: UInt16,
    tip: Bytes32,
    work: Bytes32
  ) {
    (self.version, self.genesis, self.nonce) = (version, genesis, nonce)
    (self.port, self.tip, self.work) = (port, tip, work)
  }

  // version 4 ‖ genesis 32 ‖ nonce 8 ‖ port 2 ‖ tip 32 ‖ work 32
  var bytes: [UInt8] {
    var writer = ByteWriter(capacity: 110)
    writer.integer(version)
    writer.bytes32(genesis)
    writer.integer(nonce)
    writer.integer(port)
    writer.bytes32(tip)
    writer.bytes32(work)
    return writer.bytes
  }

  init(_ bytes: [UInt8]) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    (version, genesis, nonce) = (
      try reader.uint32(), try reader.bytes32(), try reader.uint64()
    )
    (port, tip, work) = (try reader.uint16(), try reader.bytes32(), try reader.bytes32())
    try reader.finish()
  }
}
