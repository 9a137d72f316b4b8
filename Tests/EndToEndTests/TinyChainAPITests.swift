import Foundation
import Testing

@Suite("tinychain dev: programs over HTTP", .timeLimit(.minutes(2)))
struct TinyChainAPITests {
  private static let semicolon = String(repeating: "+", count: 59) + "."

  @Test("The original's curl example answers as it did, by GET with a body and by POST")
  func originalExample() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try DevNodeProcess(data: place.path)
    let call = #"{"from_acc":"","to_acc":"","data":"\#(Self.semicolon)"}"#
    for method in ["GET", "POST"] {
      let answer = try node.ask(
        "/api/machine_eval",
        call,
        method: method,
        headers: "Content-Type: application/json\r\n"
      )
      #expect(answer == #"{"result":{"output":";","gas_used":237},"status":200}"# + "\n")
    }
    #expect(node.end(with: SIGTERM) == 0)
  }

  @Test(
    "Calls that cannot be carried out say why, under a stable name",
    arguments: [
      ("machine_eval", "{", "bad_json"),
      ("machine_eval", "[]", "bad_json"),
      ("machine_eval", "{}", "missing_field"),
      ("machine_eval", #"{"data":1}"#, "bad_field"),
      ("machine_eval", #"{"data":"["}"#, "bad_program"),
      ("machine_eval", #"{"data":"+[]"}"#, "out_of_gas"),
      ("machine_eval", #"{"data":"<"}"#, "left_tape"),
      ("machine_eval", #"{"data":"+[.]"}"#, "output_too_long"),
      ("machine_eval", #"{"data":"+","gas":10000001}"#, "bad_field"),
      ("machine_evil", "{}", "unknown_call"),
    ]
  )
  func refusals(name: String, body: String, code: String) throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try DevNodeProcess(data: place.path)
    defer { node.end(with: SIGKILL) }
    let answer = try node.ask("/api/\(name)", body)
    #expect(answer.contains(#""code":"\#(code)""#), "\(answer)")
  }

  @Test("Hosts and origins of strangers are refused; health and metrics answer")
  func guardsAndFigures() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try DevNodeProcess(data: place.path)
    defer { node.end(with: SIGKILL) }
    let rebound = try node.exchange(
      "GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    )
    #expect(rebound.contains("foreign_host"))
    let page = try node.ask("/api/machine_eval", "{}", headers: "Origin: http://evil.example\r\n")
    #expect(page.contains("foreign_origin"))
    #expect(try node.ask("/health", method: "GET").contains(#""status":"ok""#))
    let metrics = try node.ask("/metrics", method: "GET")
    #expect(metrics.contains("api_calls_total 0\n"), "\(metrics)")
    #expect(metrics.contains("chain_height 0\n"), "\(metrics)")
  }

  @Test("A port in use is named, with status 2")
  func portInUse() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try DevNodeProcess(data: place.path + "/a")
    defer { node.end(with: SIGKILL) }
    let outcome = try Programs.run(
      "tinychain",
      ["dev", "--data-dir", place.path + "/b", "--port", "\(node.port)"]
    )
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("\(node.port)"), "\(outcome.errors)")
  }
}
