import Glibc
import Kernel
import Testing

/// Where `JSON_TEST_SUITE` says the public suite lies; nil where no copy is at hand.
private let directory = getenv("JSON_TEST_SUITE").map { String(cString: $0) }

/// The public suite github.com/nst/JSONTestSuite (MIT), where a copy of it is at hand.
///
/// `JSON_TEST_SUITE=…/test_parsing scripts/test`. Files are named `y_` (must be accepted), `n_`
/// (must be refused) and `i_` (either).
@Suite(
  "JSON: the public parsing suite",
  .enabled(if: directory != nil, "JSON_TEST_SUITE is not set")
)
struct JSONSuiteTests {
  /// Valid by the grammar, but RFC 8259, section 4, asks for unique names, and so do we.
  static let refusedOnPurpose: Set = [
    "y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json",
  ]

  @Test("y_ files are accepted, n_ files refused, and of i_ files only numbers accepted")
  func suite() throws {
    let names = try Self.names()
    try #require(names.count > 300)
    for name in names {
      let outcome = Result { try JSON(parsing: try Self.contents(of: name)) }
      let isAccepted = (try? outcome.get()) != nil
      switch name.prefix(2) {
      case "y_": #expect(isAccepted != Self.refusedOnPurpose.contains(name), "\(name): \(outcome)")
      case "n_": #expect(!isAccepted, "\(name)")
      // Numbers of any size are kept as text. The rest is bad UTF-8, half surrogate pairs, UTF-16,
      // a byte order mark, and 500 arrays inside one another.
      default: #expect(isAccepted == name.hasPrefix("i_number_"), "\(name): \(outcome)")
      }
    }
  }

  private static func names() throws -> [String] {
    let stream = try #require(opendir(directory ?? ""))
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(".json") { names.append(name) }
    }
    return names.sorted()
  }

  private static func contents(of name: String) throws -> [UInt8] {
    let file = try #require(fopen("\(directory ?? "")/\(name)", "rb"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes.prefix(count))
  }
}
