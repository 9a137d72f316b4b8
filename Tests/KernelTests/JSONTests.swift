import Kernel
import Testing

@Suite("JSON: strict, exact, bounded")
struct JSONTests {
  @Test(
    "Every text of the grammar is accepted and written compactly",
    arguments: JSONCases.accepted
  )
  func accepted(text: String, compact: String) throws {
    let value = try JSON(parsing: text)
    // Bytes, not String ==, which would hold for canonically equivalent texts too.
    #expect(value.bytes() == Array(compact.utf8))
    #expect(try JSON(parsing: value.bytes()) == value)
    #expect(try JSON(parsing: value.bytes(pretty: true)) == value)
  }

  @Test(
    "Every text outside the grammar is refused at its first wrong byte",
    arguments: JSONCases.refused
  )
  func refused(text: String, offset: Int) {
    let failure = #expect(throws: JSONFailure.self) { try JSON(parsing: text) }
    #expect(failure?.offset == offset, "\(text): \(failure?.description ?? "accepted")")
  }

  @Test("Every prefix of a document is refused, and none traps")
  func truncated() throws {
    let text = #" {"a" : [1.5e+3, "x\ud834\udd1eé\n", true, false, null], "b":{"c":-0}}"#
    let bytes = Array(text.utf8)
    _ = try JSON(parsing: bytes)
    for end in 0..<bytes.count {
      #expect(throws: JSONFailure.self) { try JSON(parsing: Array(bytes[..<end])) }
    }
  }

  @Test("Bytes that are no UTF-8 are refused, in values and keys", arguments: JSONCases.invalidUTF8)
  func invalidUTF8(bytes: [UInt8], name: String) {
    let quote = UInt8(ascii: "\"")
    let value = #expect(throws: JSONFailure.self) {
      try JSON(parsing: [quote, 0x61] + bytes + [quote])
    }
    #expect(value?.problem == .invalidUTF8)
    #expect(value?.offset == 2)
    let key = #expect(throws: JSONFailure.self) {
      try JSON(parsing: [0x7b, quote] + bytes + [quote, 0x3a, 0x30, 0x7d])
    }
    #expect(key?.problem == .invalidUTF8)
    let bare = #expect(throws: JSONFailure.self) { try JSON(parsing: [0x5b] + bytes + [0x5d]) }
    #expect(bare?.problem == .expected("a value"))
  }

  @Test("UTF-16 is refused with or without a byte order mark")
  func utf16() {
    for bytes: [UInt8] in [
      [0x5b, 0, 0x22, 0, 0xe9, 0, 0x22, 0, 0x5d, 0], [0, 0x5b, 0, 0x22, 0, 0xe9, 0, 0x22, 0, 0x5d],
      [0xff, 0xfe, 0x5b, 0, 0x5d, 0],
    ] {
      #expect(throws: JSONFailure.self) { try JSON(parsing: bytes) }
    }
  }

  @Test("The UTF-8 check agrees with the standard library at the edges of every range")
  func utf8() {
    let second: [UInt8] = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
    let later: [UInt8] = [0x7f, 0x80, 0xbf, 0xc0]
    var disagreements = 0
    for first in UInt8.min...(.max) {
      for second in second {
        for third in later {
          for fourth in later {
            let bytes = [first, second, third, fourth]
            let expected = String(validating: bytes, as: UTF8.self) != nil
            let found = StrictUTF8.firstInvalidIndex(in: bytes) == nil
            if expected != found { disagreements += 1 }
          }
        }
      }
    }
    #expect(disagreements == 0)
  }

  // MARK: Errors

  @Test("A failure says what was expected, what was found, the line and the column")
  func failureText() {
    func text(_ json: String) -> String? {
      #expect(throws: JSONFailure.self) { try JSON(parsing: json) }?.description
    }
    #expect(
      text("{\n  \"é\": 1,\n  x}") == "expected a key in quotes, found 'x' at line 3, column 3"
    )
    #expect(text("[\"é\" 1]") == "expected ',' or ']', found '1' at line 1, column 6")
    #expect(text("[1") == "expected ',' or ']', found the end at line 1, column 3")
    #expect(text("[\u{1}") == "expected a value, found byte 0x01 at line 1, column 2")
    #expect(
      text(#"{"a\nb":1,"a\nb":2}"#)
        == #"the key "a\nb" stands twice in one object at line 1, column 1"#
    )
    let long = String(repeating: "k", count: 5000)
    #expect((text("{\"\(long)\":1,\"\(long)\":2}")?.count ?? 0) < 150)
  }

  // MARK: Limits

  @Test("Depth is limited before the descent: a million brackets are refused, not overflowed")
  func depth() throws {
    let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
    let failure = #expect(throws: JSONFailure.self) { try JSON(parsing: deep) }
    #expect(failure?.problem == .tooLong(limit: "depthMax", max: 64))
    #expect(failure?.offset == 64)

    let objects = Array(String(repeating: "{\"a\":", count: 100_000).utf8)
    #expect(throws: JSONFailure.self) { try JSON(parsing: objects) }

    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(throws: Never.self) { try JSON(parsing: nested(64)) }
    #expect(throws: JSONFailure.self) { try JSON(parsing: nested(65)) }
    let deepest = JSON.Limits(depthMax: JSON.Limits.depthCeiling)
    #expect(throws: Never.self) { try JSON(parsing: nested(256), limits: deepest) }
    #expect(throws: Never.self) { try JSON(parsing: "1", limits: JSON.Limits(depthMax: 0)) }
    #expect(throws: JSONFailure.self) { try JSON(parsing: "[]", limits: JSON.Limits(depthMax: 0)) }
  }

  @Test("Bytes and values are limited")
  func sizes() {
    let limits = JSON.Limits(bytesMax: 8, valuesMax: 3)
    #expect(throws: Never.self) { try JSON(parsing: "[1,2]   ", limits: limits) }
    let bytes = #expect(throws: JSONFailure.self) { try JSON(parsing: "[1,2]    ", limits: limits) }
    #expect(bytes?.problem == .tooLong(limit: "bytesMax", max: 8))
    let values = #expect(throws: JSONFailure.self) { try JSON(parsing: "[1,2,3]", limits: limits) }
    #expect(values?.problem == .tooLong(limit: "valuesMax", max: 3))
  }

  @Test("Tens of thousands of keys are checked for duplicates in linear time")
  func manyKeys() throws {
    let members = (0..<40_000).map { "\"k\($0)\":0" }
    let object = try JSON(parsing: "{" + members.joined(separator: ",") + "}").object
    #expect(object?.members.count == 40_000)
    let twice = "{" + (members + ["\"k0\":0"]).joined(separator: ",") + "}"
    let failure = #expect(throws: JSONFailure.self) { try JSON(parsing: twice) }
    guard case .duplicateKey = failure?.problem else {
      Issue.record("not a duplicate: \(String(describing: failure))")
      return
    }
  }

  // MARK: Numbers

  @Test("Whole numbers are exact up to the ends of every type, and nil beyond")
  func integers() throws {
    func value(_ text: String) throws -> JSON { try JSON(parsing: text) }
    #expect(try value("9007199254740993").integer(UInt64.self) == 9_007_199_254_740_993)
    #expect(try value("18446744073709551615").integer(UInt64.self) == .max)
    #expect(try value("18446744073709551616").integer(UInt64.self) == nil)
    #expect(try value("-9223372036854775808").integer(Int64.self) == .min)
    #expect(try value("-9223372036854775809").integer(Int64.self) == nil)
    #expect(try value("-1").integer(UInt64.self) == nil)
    #expect(try value("-0").integer(UInt64.self) == 0)
    let most = "340282366920938463463374607431768211455"
    #expect(try value(most).integer(UInt128.self) == .max)
    #expect(try value("340282366920938463463374607431768211456").integer(UInt128.self) == nil)
    #expect(try value("-170141183460469231731687303715884105728").integer(Int128.self) == .min)
    #expect(try value("-170141183460469231731687303715884105729").integer(Int128.self) == nil)
    #expect(try value("1.0").integer(Int.self) == nil)
    #expect(try value("1e2").integer(Int.self) == nil)
    #expect(try value("255").integer(UInt8.self) == 255)
    #expect(try value("256").integer(UInt8.self) == nil)
  }

  @Test("Amounts are read from decimal strings and numbers alike, and from nothing else")
  func decimals() {
    #expect(JSON.decimal(UInt128.max).string == "340282366920938463463374607431768211455")
    #expect(JSON("12").decimal(UInt64.self) == 12)
    #expect(JSON(12).decimal(UInt64.self) == 12)
    for text in ["", " 1", "1 ", "+1", "01", "0x1", "1.0", "1e2", "١", "-1", "1_0"] {
      #expect(JSON(text).decimal(UInt64.self) == nil, "\(text)")
    }
    #expect(JSON.bool(true).decimal(UInt64.self) == nil)
    #expect(JSON("12").integer(UInt64.self) == nil)
  }

  @Test("A number made from text is a number of the grammar or nil")
  func numbers() {
    #expect(JSON.Number("1.50e+3")?.text == "1.50e+3")
    for text in ["", "-", "1.", "01", "1 ", "NaN", "1\n", "0x1"] {
      #expect(JSON.Number(text) == nil, "\(text)")
    }
  }

  // MARK: Values

  @Test("Literals build, subscripts read, order stays")
  func building() {
    let account = "smn_1"
    var value: JSON = ["account": "\(account)", "count": 3, "list": [1, "a", true, .null, [:]]]
    #expect(value.text == #"{"account":"smn_1","count":3,"list":[1,"a",true,null,{}]}"#)
    #expect(value["list"]?[1]?.string == "a")
    #expect(value["list"]?[4]?.object?.members.isEmpty == true)
    #expect(value["list"]?[5] == nil)
    #expect(value["list"]?[-1] == nil)
    #expect(value["none"] == nil)
    #expect(value[0] == nil)

    var object = value.object ?? JSON.Object()
    object["count"] = 4
    object["account"] = nil
    object["new"] = false
    value = .object(object)
    #expect(value.text == #"{"count":4,"list":[1,"a",true,null,{}],"new":false}"#)
  }

  @Test("A key that only looks the same is another key")
  func lookalikes() throws {
    let value = try JSON(parsing: "{\"\u{212a}ey\":1}")  // KELVIN SIGN, canonically equal to K
    #expect("\u{212a}ey" == "Key")  // so says String
    #expect(value["Key"] == nil)
    #expect(value["\u{212a}ey"] == 1)
    #expect(JSON("\u{212a}") != JSON("K"))
  }

  @Test("The pretty form has a member a line")
  func pretty() {
    let value: JSON = ["a": [1, 2], "b": [:], "c": []]
    let text = """
      {
        "a": [
          1,
          2
        ],
        "b": {},
        "c": []
      }
      """
    #expect(String(decoding: value.bytes(pretty: true), as: UTF8.self) == text)
  }

  // MARK: Properties

  @Test("Any value survives both written forms", arguments: 0..<UInt64(200))
  func roundTrip(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let value = Self.value(depth: 5, using: &random)
    #expect(try JSON(parsing: value.bytes()) == value)
    #expect(try JSON(parsing: value.bytes(pretty: true)) == value)
  }

  @Test("Mutated documents are refused or survive, and never trap", arguments: 0..<UInt64(200))
  func mutated(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var bytes = Self.value(depth: 4, using: &random).bytes()
    for _ in 0..<50 {
      for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[index] = .random(in: 0...255, using: &random)
        case 1: bytes.remove(at: index)
        default:
          bytes.insert(
            Array("\"\\u{}[],:0-eE.tfn".utf8).randomElement(using: &random) ?? 0,
            at: index
          )
        }
      }
      JSON.fuzz(bytes)
    }
  }

  private static func value(depth: Int, using random: inout SplitMix64) -> JSON {
    switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
    case 0: return .null
    case 1: return .bool(.random(using: &random))
    case 2: return JSON(Int64.random(in: .min ... .max, using: &random))
    case 3: return .decimal(UInt128.random(in: 0...(.max), using: &random))
    case 4: return .string(text(using: &random))
    case 5:
      return .array(
        (0..<Int.random(in: 0..<5, using: &random)).map { _ in
          value(depth: depth - 1, using: &random)
        }
      )
    default:
      var object = JSON.Object()
      for _ in 0..<Int.random(in: 0..<20, using: &random) {
        object[text(using: &random)] = value(depth: depth - 1, using: &random)
      }
      return .object(object)
    }
  }

  private static func text(using random: inout SplitMix64) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0..<8, using: &random) {
      let top: UInt32 = [0x30, 0x80, 0x800, 0x10000, 0x110000].randomElement(using: &random) ?? 1
      if let scalar = Unicode.Scalar(UInt32.random(in: 0..<top, using: &random)) {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
