import TinyChain
import TinyChainNode
import Testing

@Suite("Addresses")
struct AddressTests {
  @Test("An address reads as people write it, on its own network only")
  func addresses() throws {
    let address = NetworkParameters.faucet
    let text = address.text(isMain: false)
    #expect(text.hasPrefix("ttiny1"))
    #expect(Address(text, isMain: false) == address)
    #expect(Address(text.uppercased(), isMain: false) == address)
    #expect(Address(text, isMain: true) == nil)
    #expect(Address(text.dropLast() + "q", isMain: false) == nil)
    #expect(address.text(isMain: true).hasPrefix("tiny1"))
    #expect(Address("", isMain: true) == nil)
  }
}
