import Kernel
import Mesh
import MeshWalletNode
import Simulation

// What a MESH wallet reads from files, from its agent's socket and from people.

extension FuzzTargets {
  static let meshWallet: [FuzzTarget] = [
    walletFile, receipt, agentCommand, agentMessage, viewKeyText, decimalAmount,
  ]

  /// A key file, without its checksum, which no mutation would get past.
  private static let walletFile = FuzzTarget(
    "mesh-wallet-file",
    seeds: (0...2).map { walletFileBody(contents: $0) }
  ) { input in
    let bytes = input + BLAKE2b.hash256("", input).bytes
    guard let file = try? WalletFile(bytes) else { return .refused }
    return same(file.encoded, bytes)
  }

  private static func walletFileBody(contents: UInt8) -> [UInt8] {
    encoded { writer in
      writer.array(Array("MESHWLLT".utf8))
      writer.integer(UInt16(1))
      writer.integer(contents)
      writer.bytes32(sampleHash(1))
      writer.bytes32(sampleHash(2))
      writer.integer(UInt32(3))
      writer.integer(UInt32(256 << 10))
      writer.array([UInt8](repeating: 7, count: 16 + 24 + (contents == 2 ? 64 : 32) + 16))
    }
  }

  /// A receipt is refused, or reads back equal; and none is valid but the one that a quorum signed.
  private static let receipt = FuzzTarget(
    "mesh-receipt",
    seeds: [Receipt(meshCertificateSample).encoded],
    cost: 10
  ) { input in
    guard let receipt = try? Receipt(input) else { return .refused }
    var random = SplitMix64(seed: UInt64(input.count))
    let isValid = (try? receipt.verify(on: meshGenesisSample, using: &random)) != nil
    if isValid, receipt.certificate.hash != meshCertificateSample.hash {
      return .broken("a forged receipt is valid")
    }
    _ = receipt.json(with: .spending(meshOwners[1]), on: meshGenesisSample)
    return same(receipt.encoded, input)
  }

  /// Whatever a caller sends is refused, or is a command that reads back equal.
  private static let agentCommand = FuzzTarget(
    "mesh-agent-command",
    seeds: [
      WalletCommand.balance, .history(7), .receive(nil, wantsReceipt: true),
      .receive(meshCertificateSample.hash, wantsReceipt: false), .openReceipt([1, 2, 3]),
      .send(to: "tmesh1q", amount: Amount(500), memo: "rent\n", wantsReceipt: true), .lock,
    ].map { $0.json.bytes() }
  ) { input in
    guard let command = try? AgentMessage.command(line: input) else { return .refused }
    return reads((try? AgentMessage.command(line: command.json.bytes())) == command)
  }

  private static let agentMessage = FuzzTarget(
    "mesh-agent-message",
    seeds: [
      AgentMessage.event(["event": "vote", "votes": 2, "needed": 3]),
      .answer(["balance": "949997", "entries": [["memo": "a\u{1b}b"]]]),
      .failure(WalletProblem(.insufficientFunds, "not enough")),
    ].map { Array($0.line.dropLast()) }
  ) { input in
    guard let message = AgentMessage(line: input) else { return .refused }
    return reads(AgentMessage(line: Array(message.line.dropLast())) == message)
  }

  private static let viewKeyText = FuzzTarget(
    "mesh-view-key",
    seeds: [
      WalletKeys.spending(meshOwners[0]),
      .income(meshOwners[1].account, meshOwners[1].view.incoming),
    ].map { Array(ViewKeyText.text(of: $0).utf8) }
  ) { input in
    guard let text = String(validating: input, as: UTF8.self),
      let keys = try? ViewKeyText.keys(of: text)
    else { return .refused }
    guard keys.spending == nil else { return .broken("a view key that spends") }
    return same(Array(ViewKeyText.text(of: keys).utf8), Array(text.lowercased().utf8))
  }

  /// Decimals, 1 byte ‖ text.
  private static let decimalAmount = FuzzTarget(
    "mesh-amount",
    seeds: [[0] + Array("500".utf8), [2] + Array("12.5".utf8), [19] + Array("0.05".utf8)]
  ) { input in
    guard let decimals = input.first, decimals <= 19,
      let text = String(validating: input.dropFirst(), as: UTF8.self)
    else { return .refused }
    let asset = Genesis.Asset(id: Genesis.assetID, decimals: decimals, symbol: "F", supply: .zero)
    guard let amount = asset.amount(text) else { return .refused }
    return reads(asset.amount(asset.decimalText(amount)) == amount)
  }
}
