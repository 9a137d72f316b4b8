public import EdDSA
public import Kernel

// What this node signs itself, with keys it holds. Signing is the check: RFC 8032 signatures by
// one's own key verify by construction, so `Vote` and `RepresentativeHello` come out `Verified`.

extension Block {
  /// The block with its account's signature over its hash.
  ///
  /// Work is added when it is found; only then can the block be `Verified`.
  public func signed(by key: SecretKey) -> Block {
    precondition(key.publicKey == account.key)
    var block = self
    block.signature = key.sign(hash.bytes.bytes)
    return block
  }
}

extension Vote {
  /// The representative that `key` is votes for 1...255 hashes, no two equal.
  ///
  /// A settled vote is of round 0. The timestamp is Unix time in milliseconds.
  public static func signed(
    kind: VoteKind,
    round: Round,
    timestamp: UInt64,
    hashes: [BlockHash],
    by key: SecretKey,
    on chain: ChainID
  ) -> Verified<Vote> {
    precondition((1...hashesMax).contains(hashes.count))
    precondition(kind != .settled || round == .zero)
    precondition(Set(hashes).count == hashes.count)
    let digest = digest(
      kind: kind,
      round: round,
      timestamp: timestamp,
      hashes: hashes,
      on: chain
    )
    let vote = Vote(
      representative: Account(key.publicKey),
      kind: kind,
      round: round,
      timestamp: timestamp,
      hashes: hashes,
      signature: key.sign(digest.bytes)
    )
    return Verified(checked: vote)  // signed here
  }
}

extension RepresentativeHello {
  /// The representative that `key` is speaks through `node`; the time is Unix time in milliseconds.
  public static func signed(
    node: PublicKey,
    timestamp: UInt64,
    by key: SecretKey,
    on chain: ChainID
  ) -> Verified<RepresentativeHello> {
    let representative = Account(key.publicKey)
    let digest = digest(
      representative: representative,
      node: node,
      timestamp: timestamp,
      on: chain
    )
    let hello = RepresentativeHello(
      representative: representative,
      node: node,
      timestamp: timestamp,
      signature: key.sign(digest.bytes)
    )
    return Verified(checked: hello)  // signed here
  }

  public func digest(on chain: ChainID) -> Bytes32 {
    Self.digest(representative: representative, node: node, timestamp: timestamp, on: chain)
  }
}
