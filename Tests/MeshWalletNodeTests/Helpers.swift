import Kernel
import MeshWalletNode
import Testing
import Vault

/// The code of the problem that a call throws; nil if it throws none.
func problem<Result>(_ body: () throws -> Result) -> WalletProblem.Code? {
  do {
    _ = try body()
    return nil
  } catch {
    return (error as? WalletProblem)?.code
  }
}

func problem<Result>(_ body: () async throws -> Result) async -> WalletProblem? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? WalletProblem
  }
}

extension SecretBytes {
  static func text(_ text: String) -> SecretBytes {
    var bytes = Array(text.utf8)
    return SecretBytes(wiping: &bytes)
  }
}
