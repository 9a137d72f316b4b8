import EdDSA
import Kernel
import Mesh
import MeshNode
import Service

extension OptionType<DecimalAmount> {
  static var tokens: OptionType {
    text(
      "AMOUNT",
      parse: { text throws(ValueProblem) in
        guard let tokens = DecimalAmount(text) else {
          throw ValueProblem("an amount, for example 10000 or 0.05")
        }
        return tokens
      },
      text: \.text
    )
  }
}

extension OptionType<PublicKey> {
  static var publicKey: OptionType {
    text(
      "KEY",
      parse: { text throws(ValueProblem) in
        guard let bytes = Bytes32(hex: text) else {
          throw ValueProblem(
            "a public key of 64 hexadecimal digits, as `mesh-validator init` prints"
          )
        }
        return PublicKey(bytes)
      },
      text: \.description
    )
  }
}

extension OptionType<FirstBalance> {
  static var firstBalance: OptionType {
    text(
      "ACCOUNT=AMOUNT",
      parse: { text throws(ValueProblem) in try FirstBalance(text) },
      text: \.description
    )
  }
}
