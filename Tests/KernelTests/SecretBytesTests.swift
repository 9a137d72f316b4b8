import Kernel
import Testing

@Suite("Secret bytes")
struct SecretBytesTests {
  @Test("They are equal exactly if all bytes are")
  func equality() {
    func secret(_ bytes: [UInt8]) -> SecretBytes {
      var bytes = bytes
      return SecretBytes(wiping: &bytes)
    }
    #expect(secret([1, 2, 3]) == secret([1, 2, 3]))
    #expect(secret([1, 2, 3]) != secret([1, 2, 4]))
    #expect(secret([1, 2, 3]) != secret([1, 2]))
    #expect(secret([]) == secret([]))
    #expect(secret([5, 6]).withUnsafeBytes { [UInt8]($0) } == [5, 6])
    #expect(SecretBytes(count: 3) { _ in }.withUnsafeBytes { [UInt8]($0) } == [0, 0, 0])
  }

  @Test("They do not show when printed or dumped")
  func description() {
    var bytes = [UInt8](repeating: 0xab, count: 32)
    let secret = SecretBytes(wiping: &bytes)
    for text in ["\(secret)", String(reflecting: secret)] {
      #expect(!text.contains("ab, ab"))
      #expect(!text.contains("171, 171"))
      #expect(!text.contains("abab"))
    }
  }
}
