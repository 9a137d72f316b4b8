import Kernel
import Mesh
import MeshNode
import Service
import TestSupport
import Testing

@Suite("First balances, as an operator writes them")
struct FirstBalanceTests {
  private let place = TemporaryDirectory()
  private static let key = String(repeating: "3b", count: 32)

  private func read(_ text: String) throws -> [FirstBalance] {
    place.write(Array(text.utf8), to: "balances")
    return try FirstBalance.readFile(place.file("balances"))
  }

  @Test("A file has one a line; blanks, empty lines and remarks say nothing")
  func file() throws {
    let balances = try read(
      """
      # the founders
      \(Self.key)=10000

        \(String(repeating: "4c", count: 32))=0.05 # a tester\r
      """
    )
    #expect(balances.map(\.amount.text) == ["10000", "0.05"])
    #expect(balances.first?.account.description == Self.key)
    #expect(balances.last?.description == String(repeating: "4c", count: 32) + "=0.05")
    #expect(try read("").isEmpty)
  }

  @Test(
    "A line that is none is named by file, number and content",
    arguments: [
      "\(key)", "\(key)=", "\(key)=-1", "\(key)=1.", "\(key.dropLast())=1", "=1", "\(key) = 1",
      "tmesh1qyq=5",
    ]
  )
  func wrongLines(line: String) {
    let failure = #expect(throws: UsageFailure.self) { try read("# one\n\n\(line)\n") }
    let text = failure.map { "\($0)" } ?? ""
    #expect(text.contains("balances:3: ") && text.contains("'\(line)'"), "\(text)")
  }

  @Test("A file that is not there is named")
  func missing() {
    let failure = #expect(throws: UsageFailure.self) {
      try FirstBalance.readFile(place.file("none"))
    }
    #expect(failure.map { "\($0)" }?.contains("none: No such file") == true)
  }
}
