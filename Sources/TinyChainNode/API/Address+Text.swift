public import Kernel
public import TinyChain

extension Address {
  /// As people write it: bytes of Bech32m after `tiny` on the main network, else `ttiny`.
  public func text(isMain: Bool) -> String {
    Bech32m.text(prefix: isMain ? "tiny" : "ttiny", payload: bytes)
  }

  /// Reads such a text; nil if it is anything else, or of the other network.
  public init?(_ text: some StringProtocol, isMain: Bool) {
    let prefixes = [isMain ? "tiny" : "ttiny"]
    let found = try? Bech32m.payload(of: Array(text.utf8), prefixes: prefixes, size: Self.size)
    guard let bytes = found?.bytes else { return nil }
    self.init(bytes)
  }
}
