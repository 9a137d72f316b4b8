import BrainfuckAssembler
import Kernel
import Simulation
import TinyChain
import TinyChainNode
import Vault

extension FuzzTargets {
  /// What tinychain's tools read beside the chain's own bytes.
  static let tinyChainNode = [
    assembler, messageText, contractScript, keystore, launchFile, stateJournal, gitTree, gitCommit,
  ]

  /// Text: whatever it becomes is a program.
  private static let assembler = FuzzTarget(
    "brainfuck-assembler",
    seeds: [
      "cell a b*3 c*3\nset a 5\nifsame b c\nend\nwrite a b.1 \"x\"",
      "stored n\nskip 3\ninput n\nwhile n\nsubtract n 1\nend\nanswer n 7",
    ]
    .map { Array($0.utf8) }
  ) { input in
    guard let text = String(validating: input, as: UTF8.self),
      let program = try? Assembler.assemble(text)
    else { return .refused }
    let again = try? BrainfuckProgram(source: program.source)
    return again == program ? .accepted : .broken("reads as another program")
  }

  private static let messageText = FuzzTarget(
    "message-text",
    seeds: ["(to @bob 5)", "0x0aff @bob 5u16 \"a\"", "plain"].map { Array($0.utf8) }
  ) { input in
    let text = String(decoding: input, as: UTF8.self)
    let bytes = try? MessageText.bytes(of: text) { $0 == "bob" ? .zero : nil }
    return bytes == nil ? .refused : .accepted
  }

  /// A script is carried out, too, but for its files: there are none.
  private static let contractScript = FuzzTarget(
    "contract-script",
    seeds: ["account a 5\nas a\nsend 5 a\nexpect balance a 5\nwarp 3 blocks\ncall a x"]
      .map { Array($0.utf8) },
    cost: 5
  ) { input in
    guard let script = try? ContractScript(String(decoding: input, as: UTF8.self)) else {
      return .refused
    }
    _ = ScriptRun.report(script) { _ in throw APIFailure("no_file", "there are no files here") }
    return .accepted
  }

  private static let keystore = FuzzTarget(
    "tinychain-keystore",
    seeds: [
      {
        var keystore = Keystore(cost: .least)
        // A name and a cost that are allowed.
        _ = try? keystore.add("alice", password: SecretBytes(count: 1) { _ in })
        return keystore.bytes
      }()
    ]
  ) { input in
    guard let keystore = try? Keystore(input) else { return .refused }
    return same(keystore.bytes, input)
  }

  private static let launchFile = FuzzTarget(
    "tinychain-launch-file",
    seeds: NetworkChoice.allCases.map { network in
      Array(
        """
        network = "\(network.rawValue)"
        genesis_time = 1800000000
        first_target = "00000000ffff\(String(repeating: "0", count: 52))"

        [allocations]
        \(NetworkParameters.faucet.text(isMain: network == .main)) = 250000000

        """.utf8
      )
    }
  ) { input in
    var isAccepted = false
    for network in NetworkChoice.allCases {
      guard let file = try? LaunchFile(parsing: input, for: network) else { continue }
      guard file.parameters.work?.start != 0 else { return .broken("a network without a target") }
      isAccepted = true
    }
    return isAccepted ? .accepted : .refused
  }

  private static let stateJournal = FuzzTarget(
    "tinychain-journal",
    seeds: [
      StateJournal.bytes(of: [
        StateChange(key: [1, 2], before: nil, after: [3]),
        StateChange(key: [], before: [], after: nil),
      ])
    ]
  ) { input in
    guard let changes = try? StateJournal.changes(of: input) else { return .refused }
    return same(StateJournal.bytes(of: changes), input)
  }

  private static let gitTree = FuzzTarget(
    "git-tree",
    seeds: [Array("100644 a\0".utf8) + [UInt8](repeating: 7, count: 20)]
  ) { input in
    guard let tree = try? GitTree(input, nameSize: 20) else { return .refused }
    return tree.entries.count <= input.count ? .accepted : .broken("more entries than bytes")
  }

  private static let gitCommit = FuzzTarget(
    "git-commit",
    seeds: [Array("tree \(String(repeating: "ab", count: 20))\nparent x\n\nword".utf8)]
  ) { input in
    (try? GitCommit(input)) == nil ? .refused : .accepted
  }
}
