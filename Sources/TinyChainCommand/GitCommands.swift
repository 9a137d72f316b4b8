import EventLoop
import Kernel
import Secp256k1
import Service
import TinyChain
import TinyChainNode
import Vault

private let url = Argument(
  "url",
  .string,
  help: "A repository, as git takes it: file:///srv/txs.git"
)
private let branch = Option<String?>(
  "branch",
  .optional(.string("NAME")),
  default: nil,
  scope: .commandLine,
  help: "The branch that is the chain; by default the one the repository names"
)
private let every = Option<Duration?>(
  "every",
  .optional(.duration(.milliseconds(100)...(.seconds(86_400)))),
  default: nil,
  scope: .commandLine,
  help: "Look again and again; without it, once"
)
private let common: [any DeclaredOption] = [NodeOptions.dataDirectory, branch, jsonOption]

/// `tinychain git …`: a repository as the chain.
let gitCommand = Command(
  "git",
  summary: "A Git repository as the chain: its commits are the blocks",
  discussion: """
    The files that a commit adds under txs/ are its transactions, in the order of their paths. \
    Maintainers order and leave out; signatures and nonces still rule, so they cannot forge. A \
    force-push is a reorganisation.
    """,
  subcommands: [
    Command(
      "replay",
      summary: "Execute a repository from its first commit, and show the state it leads to",
      examples: [.init("tinychain git replay file:///srv/txs.git", "Twice gives the same root")],
      options: common,
      arguments: [url]
    ) { call in
      var chain = GitChain(.dev, try repository(call))
      try follow(&chain, call)
    },
    Command(
      "follow",
      summary: "Keep a chain that follows a repository",
      examples: [
        .init("tinychain git follow file:///srv/txs.git --every 10s", "Until it is interrupted")
      ],
      options: common + [every, NodeOptions.exitWithParent],
      arguments: [url]
    ) { call in
      let loop = try EventLoop(name: "follow")
      if call[NodeOptions.exitWithParent] { try await loop.dieWithParent() }
      let repository = try repository(call)
      let directory = try DataDirectory(directory(call))
      let store = try ChainStore(path: directory.file("chain.sqlite"), .dev)
      var chain = try GitChain(.dev, repository, store: store)
      try follow(&chain, call)
      while let pause = call[every] {
        try await loop.sleep(for: pause)
        do {
          try repository.fetch()
          try follow(&chain, call)
        } catch let failure as GitFailure {
          // The next look may find it again.
          Terminal.standard.printError("warning: \(failure)\n")
        }
      }
    },
    Command(
      "propose",
      summary: "Sign a transaction and push it as a commit",
      subcommands: [
        Command(
          "send",
          summary: "Send coins",
          examples: [
            .init(
              "tinychain git propose send file:///srv/txs.git ttiny1… 100 --from alice",
              "To anybody"
            )
          ],
          options: common + signing,
          arguments: [url, to, amount]
        ) { call in
          let proposal = try Proposal(call)
          let request = Request(.transfer, to: try proposal.address(call[to]), value: call[amount])
          try proposal.make(request, call)
        },
        Command(
          "call",
          summary: "Send a message to a contract",
          examples: [
            .init(
              "tinychain git propose call file:///srv/txs.git ttiny1… '(transfer @bob 5)' --from alice",
              "To one in Lisp"
            )
          ],
          options: common + signing + [ClientOptions.value],
          arguments: [url, to, message]
        ) { call in
          let proposal = try Proposal(call)
          let request = Request(
            .call,
            to: try proposal.address(call[to]),
            value: call[ClientOptions.value],
            data: try proposal.message(call[message])
          )
          try proposal.make(request, call)
        },
        Command(
          "deploy",
          summary: "Make a contract",
          examples: [
            .init(
              "tinychain git propose deploy file:///srv/txs.git counter.bf --from alice",
              "Of a file"
            )
          ],
          options: common + signing + [ClientOptions.value],
          arguments: [url, file, arguments]
        ) { call in
          let proposal = try Proposal(call)
          var request = try contractCreation(
            path: call[file],
            arguments: call[arguments],
            mode: .auto,
            names: proposal.lisp
          )
          request.value = call[ClientOptions.value]
          try proposal.make(request, call)
        },
      ]
    ),
  ]
)

private let signing: [any DeclaredOption] = [ClientOptions.from, SecretInput.passwordFile]
private let to = Argument("to", .string, help: "An address, or an account of the wallet")
private let amount = Argument("units", .integer(1...UInt64(Int64.max)), help: "How much")
private let message = Argument("message", .string, default: "", help: "As `tinychain call` has it")
private let file = Argument("file", .path, help: "A contract: .lisp, .asm or .bf")
private let arguments = Argument<[String]>(
  "argument",
  .list(of: .string),
  default: [],
  help: "Values of Lisp that the contract's parameters get"
)

private func directory(_ call: Invocation) -> String {
  // One repository and branch, one directory; which is which, the name tells nobody, and needs not.
  let name = SHA256.hash(Array("\(call[url])\n\(call[branch] ?? "")".utf8))
  return call[NodeOptions.dataDirectory] + "/git-" + name.bytes.prefix(8).hex
}

/// The copy, with what the repository has now.
private func repository(_ call: Invocation) throws -> GitRepository {
  let directory = directory(call)
  try DataDirectory.create(directory)
  let repository = try GitRepository(
    url: call[url],
    branch: call[branch],
    directory: directory + "/copy.git"
  )
  try repository.fetch()
  return repository
}

private func follow(_ chain: inout GitChain, _ call: Invocation) throws {
  let outcome = try chain.follow { step in
    guard !call[jsonOption] else { return }
    Terminal.standard.print(
      "block \(step.height)  commit \(step.commit.prefix(12))  "
        + "\(step.block.transactions.count) transactions, \(step.block.header.gasUsed) gas\n"
    )
    for refused in step.refused {
      Terminal.standard.print("  refused \(shown(refused.path)): \(refused.reason)\n")
    }
  }
  let tip = chain.chain.tip
  if call[jsonOption] {
    Terminal.standard.print(json(outcome, tip).text + "\n")
  } else {
    if outcome.undone > 0 { Terminal.standard.print("\(outcome.undone) blocks taken back\n") }
    Terminal.standard.print(
      "height \(tip.header.height)  state \(tip.header.stateRoot.bytes.hex)\n"
    )
  }
}

private func json(_ outcome: GitChain.Outcome, _ tip: (header: Header, id: Bytes32)) -> JSON {
  [
    "height": JSON(tip.header.height), "id": JSON(tip.id.bytes.hex),
    "state_root": JSON(tip.header.stateRoot.bytes.hex), "undone": JSON(outcome.undone),
    "blocks": .array(
      outcome.steps.map { step in
        [
          "height": JSON(step.height), "commit": JSON(step.commit),
          "transactions": .array(step.block.transactions.map { JSON($0.id.bytes.hex) }),
          "refused": .array(
            step.refused.map { ["path": JSON(shown($0.path)), "reason": JSON($0.reason)] }
          ),
        ]
      }
    ),
  ]
}

/// A path as it may be shown: a repository's names can hold anything, terminal commands too.
private func shown(_ path: [UInt8]) -> String {
  let text = path.prefix(200).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
  return String(decoding: text, as: UTF8.self)
}

/// A transaction on its way into a repository.
private struct Proposal {
  private let repository: GitRepository
  private let chain: Chain
  private let wallet: Wallet

  init(_ call: Invocation) throws {
    repository = try TinyChainCommand.repository(call)
    var replayed = GitChain(.dev, repository)
    _ = try replayed.follow()
    chain = replayed.chain
    wallet = try Wallet(call)
  }

  func address(_ text: String) throws -> Address { try wallet.address(text) }
  func message(_ text: String) throws -> [UInt8] { try wallet.message(text) }
  func lisp(_ text: String) throws -> Datum { try wallet.lisp(text) }

  func make(_ request: Request, _ call: Invocation) throws {
    let key = try wallet.signer()
    let sender = Address(key.publicKey)
    var transaction = request.transaction(
      on: chain.id,
      nonce: chain.state.account(sender).nonce,
      maxPrice: 2 * chain.state[number: .baseFee]
    )
    let execution: Execution
    do throws(Rejection) {
      (execution, transaction.gasLimit) = try chain.cheapestLimit(transaction, from: sender)
    } catch {
      throw CommandFailure("it would be refused, so nothing was pushed: \(error.explanation)")
    }
    guard execution.receipt.isSuccess else {
      let reason = String(decoding: execution.output, as: UTF8.self)
      throw CommandFailure("it would fail, so nothing was pushed: \(reason)")
    }
    let signed = SignedTransaction(transaction, by: key)
    let path = "txs/\(signed.id.bytes.prefix(8).hex).tx"
    let commit = try repository.propose(
      signed.bytes,
      as: path,
      message: "Propose \(signed.id.bytes.hex)"
    )
    Terminal.standard.print(
      call[jsonOption]
        ? (["id": JSON(signed.id.bytes.hex), "commit": JSON(commit), "path": JSON(path)] as JSON)
          .text + "\n"
        : "\(signed.id.bytes.hex) in commit \(commit)\n"
    )
  }
}
