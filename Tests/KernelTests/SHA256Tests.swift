import Kernel
import Testing

@Suite("SHA-256")
struct SHA256Tests {
  @Test("The examples of FIPS 180-4, and a doubled hash")
  func vectors() {
    #expect(
      SHA256.hash([]).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    #expect(
      SHA256.hash(Array("abc".utf8)).hex
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    #expect(
      SHA256.double(Array("hello".utf8)).hex
        == "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"
    )
  }
}
