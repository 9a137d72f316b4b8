import EdDSA
import Kernel
import MeshNode
import Service

/// `mesh-validator init`: key and database, together and once.
let initCommand = Command(
  "init",
  summary: "Make a validator's key and its empty database, and print the public key",
  discussion: """
    Both are made together, because a key without the database that remembers its votes must not \
    vote. config.toml is written as well, with every setting and its meaning.
    """,
  examples: [
    Command.Example("mesh-validator init", "Make a validator in ~/.mesh-validator"),
    Command.Example("mesh-validator init --data-dir v1 --json", "Elsewhere, for a script"),
  ],
  options: [ValidatorOptions.dataDirectory, CommonOptions.json]
) { call in
  let directory = ValidatorDirectory(call[ValidatorOptions.dataDirectory])
  let key: PublicKey
  do {
    key = try directory.initialize()
  } catch let failure as ValidatorFailure {
    throw CommandFailure("\(failure)", status: UsageFailure.exitStatus)
  }
  if call[CommonOptions.json] {
    let answer: JSON = ["key": JSON("\(key)"), "data_dir": JSON(directory.path)]
    Terminal.standard.print(answer.text + "\n")
  } else {
    Terminal.standard.print("\(key)\n")
  }
}
