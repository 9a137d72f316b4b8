import EdDSA
import Kernel

extension HandshakeHello {
  // 0  32  cookie
  // 32 32  chain id
  init(from reader: inout ByteReader) throws(DecodingFailure) {
    let cookie = try reader.bytes32()
    self.init(cookie: cookie, chain: ChainID(try reader.bytes32()))
  }

  func encode(into writer: inout ByteWriter) {
    writer.bytes32(cookie)
    writer.bytes32(chain.bytes)
  }
}

extension HandshakeAck {
  // 0  32  cookie
  // 32 32  node id
  // 64 64  signature
  init(from reader: inout ByteReader) throws(DecodingFailure) {
    let cookie = try reader.bytes32()
    let node = PublicKey(try reader.bytes32())
    self.init(cookie: cookie, node: node, signature: Signature(try reader.bytes64()))
  }

  func encode(into writer: inout ByteWriter) {
    writer.bytes32(cookie)
    writer.bytes32(node.bytes)
    writer.bytes64(signature.bytes)
  }
}

extension Keepalive {
  // 0  1       n (0...8)
  // 1  n × 18  IPv6-mapped address 16 ‖ port 2, no two equal
  init(from reader: inout ByteReader) throws(DecodingFailure) {
    let count = Int(try reader.uint8())
    guard count <= Self.addressesMax else { throw reader.failure(.tooLong("keepalive")) }
    var addresses: [SocketAddress] = []
    addresses.reserveCapacity(count)
    for _ in 0..<count {
      let address = try SocketAddress(from: &reader)
      guard !addresses.contains(address) else {
        throw reader.failure(.notCanonical("repeated address"))
      }
      addresses.append(address)
    }
    self.init(addresses)
  }

  func encode(into writer: inout ByteWriter) {
    writer.integer(UInt8(addresses.count))
    for address in addresses { address.write(to: &writer) }
  }
}

extension Telemetry {
  // 0  8  blocks             24 4  peers
  // 8  8  confirmed blocks   28 8  pruning depth
  // 16 8  accounts           36 8  uptime in seconds
  // 44 1...64  version text, to the end; printable ASCII
  // A request has the header's request flag and no body.
  init(from reader: inout ByteReader) throws(DecodingFailure) {
    let blocks = try reader.uint64()
    let confirmedBlocks = try reader.uint64()
    let accounts = try reader.uint64()
    let peers = try reader.uint32()
    let pruningDepth = try reader.uint64()
    let uptimeSeconds = try reader.uint64()
    guard reader.remaining <= Self.versionMax else {
      throw reader.failure(.tooLong("version text"))
    }
    let text = try reader.array(reader.remaining)
    let telemetry = Telemetry(
      blocks: blocks,
      confirmedBlocks: confirmedBlocks,
      accounts: accounts,
      peers: peers,
      pruningDepth: pruningDepth,
      uptimeSeconds: uptimeSeconds,
      // Bytes that are not UTF-8 become U+FFFD, which is not ASCII, so they are refused too.
      version: String(decoding: text, as: UTF8.self)
    )
    guard let telemetry else { throw reader.failure(.notCanonical("version text")) }
    self = telemetry
  }

  func encode(into writer: inout ByteWriter) {
    writer.integer(blocks)
    writer.integer(confirmedBlocks)
    writer.integer(accounts)
    writer.integer(peers)
    writer.integer(pruningDepth)
    writer.integer(uptimeSeconds)
    writer.array(Array(version.utf8))
  }
}
