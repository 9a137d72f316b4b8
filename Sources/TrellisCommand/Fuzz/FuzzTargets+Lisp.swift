import Kernel
import Simulation
import TinyChain

extension FuzzTargets {
  /// Text: what reads prints as a text that reads the same.
  static let lispReader = FuzzTarget(
    "lisp-reader",
    seeds: [
      "(a -5 5u #t #x0aff \"q\\n\")", "'(1 (2 ()))", "@" + String(repeating: "0a", count: 20),
    ]
    .map { Array($0.utf8) }
  ) { input in
    guard let forms = try? Reader.forms(of: input) else { return .refused }
    for form in forms {
      guard (try? Reader.datum(form.datum.description)) == form.datum else {
        return .broken("prints as another value")
      }
    }
    return .accepted
  }

  /// A value in a message or an entry.
  static let lispDatum = FuzzTarget(
    "lisp-datum",
    seeds: [
      Datum.list([.symbol("go"), .integer(-1), .amount(7), .string("é"), .bytes([1, 2])]).bytes,
      Datum.list([.bool(true), .list([]), .address(.zero), .facet(.zero, ["a"])]).bytes,
    ]
  ) { input in
    guard let datum = try? Datum(input, facets: true) else { return .refused }
    return same(datum.bytes, input)
  }
}
