import Kernel
import Testing

@Suite("Addresses")
struct SocketAddressTests {
  @Test(
    "Every valid spelling is read, and one of them is written",
    arguments: [
      ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
      ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("0:0:0:0:0:0:0:1", "::1"),
      ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8::0:1", "2001:db8::1"),
      ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
      ("::ffff:1.2.3.4", "1.2.3.4"), ("::ffff:102:304", "1.2.3.4"), ("::1.2.3.4", "::102:304"),
      ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
      ("0000:0000:0000:0000:0000:ffff:255.255.255.255", "255.255.255.255"),
      ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ]
  )
  func spellings(text: String, canonical: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == canonical)
    #expect(IPAddress(canonical) == address)
  }

  @Test(
    "What is not an address is refused",
    arguments: [
      "", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.-4", "1.2.3.4 ", " 1.2.3.4",
      "1.2..4",
      "0x1.2.3.4", ":", ":::", "1:::2", "::1::", "1::2::3", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:",
      "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::", "fe80::1%eth0",
      "::1.2.3", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "localhost", "::é", "１.2.3.4",
    ]
  )
  func refused(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test(
    "An address with a port has exactly one form",
    arguments: ["127.0.0.1:7176", "[::1]:65535", "[2001:db8::1]:1", "1.2.3.4:0"]
  )
  func withPort(text: String) throws {
    #expect(try #require(SocketAddress(text)).description == text)
  }

  @Test(
    "An address with a bad port or wrong brackets is refused",
    arguments: [
      "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:080", "127.0.0.1:+80", "::1:80",
      "[127.0.0.1]:80", "[::1]", "[::1]80", "[::1:80", "::1]:80", "[]:80", ":80", "[[::1]]:80", "",
      "[::ffff:1.2.3.4]:80x", "127.0.0.1:99999999999999999999",
    ]
  )
  func badPort(text: String) {
    #expect(SocketAddress(text) == nil)
  }

  @Test("The wire form is 16 bytes of address, first byte first, and the port")
  func wire() throws {
    let address = try #require(SocketAddress("1.2.3.4:7176"))
    var writer = ByteWriter()
    address.write(to: &writer)
    #expect(writer.bytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4, 0x08, 0x1c])
    #expect(writer.bytes.count == SocketAddress.wireSize)
    var reader = ByteReader(writer.bytes)
    #expect(try SocketAddress(from: &reader) == address)
    try reader.finish()
  }

  @Test("Limits count an IPv6 network of one host as one")
  func hosts() throws {
    let first = try #require(IPAddress("2001:db8:1:2:3:4:5:6"))
    let second = try #require(IPAddress("2001:db8:1:2:ffff::1"))
    let other = try #require(IPAddress("2001:db8:1:3::1"))
    #expect(first.host == second.host)
    #expect(first.host != other.host)
    #expect(first.prefix(v4: 24, v6: 48) == other.prefix(v4: 24, v6: 48))
    #expect(IPAddress.loopbackV4.host == .loopbackV4)
    #expect(try #require(IPAddress("10.1.2.3")).prefix(v4: 24, v6: 48).description == "10.1.2.0")
    #expect(first.prefix(v4: 0, v6: 0) == .anyV6)
    #expect(IPAddress.loopbackV4.prefix(v4: 0, v6: 0) == .anyV4)
  }

  @Test(
    "Addresses of a site are told from public ones",
    arguments: [
      ("127.3.2.1", true), ("::1", true), ("10.0.0.1", true), ("172.16.0.1", true),
      ("172.32.0.1", false), ("192.168.1.1", true), ("169.254.1.1", true), ("100.64.0.1", true),
      ("100.128.0.1", false), ("fd00::1", true), ("fe80::1", true), ("2001:db8::1", false),
      ("8.8.8.8", false),
    ]
  )
  func privacy(text: String, isPrivate: Bool) throws {
    #expect(try #require(IPAddress(text)).isPrivate == isPrivate)
  }
}
