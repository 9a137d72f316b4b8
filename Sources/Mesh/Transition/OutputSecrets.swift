import Curve25519
import Kernel

/// What ties an output's secrets to the one place where they are used.
///
///     network ‖ sender ‖ sequence ‖ index u8 ‖ recipient ‖ ephemeral key ‖ view key
struct OutputContext {
  let network: NetworkID
  let slot: Slot
  let index: UInt8
  let recipient: AccountID
  let ephemeralKey: Bytes32
  let viewKey: Bytes32

  var bytes: [UInt8] {
    var writer = ByteWriter(capacity: 169)
    writer.identifier(network)
    writer.identifier(slot.account)
    writer.integer(slot.sequence.number)
    writer.integer(index)
    writer.identifier(recipient)
    writer.bytes32(ephemeralKey)
    writer.bytes32(viewKey)
    return writer.bytes
  }
}

/// Key, blinding and view tag of one output, as payer and payee both derive them.
///
///     XOF("output-kdf", shared secret ‖ context, 97) = key 32 ‖ blinding 64 ‖ view tag
struct OutputSecrets {
  let key: SecretBytes
  let blinding: Scalar
  let viewTag: UInt8

  init(shared: SecretBytes, context: OutputContext) {
    let material = Tag.outputKDF.derive(shared, context.bytes, count: 97)
    (key, blinding, viewTag) = material.withUnsafeBytes { bytes in
      func encoding(_ first: Int) -> Encoding32 {
        func word(_ index: Int) -> UInt64 {
          UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: first + 8 * index, as: UInt64.self)
          )
        }
        return Encoding32(words: (word(0), word(1), word(2), word(3)))
      }
      let key = SecretBytes(count: 32) { $0.copyBytes(from: bytes[..<32]) }
      return (key, Scalar(reducing: encoding(32), encoding(64)), bytes[96])
    }
  }
}
