import Kernel
import TinyChain

/// A conversation in Lisp, line by line.
///
/// A session is a program that grows: a form is run at the end of those before it that can matter to
/// it, and costs what the whole costs more. As programs are deterministic and have no output of their
/// own, that is exact.
public struct LispSession {
  public enum Answer: Hashable, Sendable {
    case nothing
    /// More lines are needed to close what is open.
    case incomplete
    case value(String, gas: UInt64)
    case failure(String)
  }

  private let gas: UInt64
  /// The forms that matter to later ones, in order.
  private var kept: [Kept] = []
  private var pending: [UInt8] = []

  private struct Kept {
    /// What it defines, if it is a definition.
    let name: String?
    let text: [UInt8]
    let assigns: Bool
  }

  public init(gas: UInt64) {
    self.gas = gas
  }

  public var isWaiting: Bool { !pending.isEmpty }

  public mutating func take(_ line: String) -> Answer {
    let text = pending + Array(line.utf8) + [10]
    pending = []
    let forms: [Syntax]
    do {
      forms = try Reader.forms(of: text)
    } catch {
      if error.isUnclosed, text.count < Reader.bytesMax {
        pending = text
        return .incomplete
      }
      return .failure("\(error)")
    }
    guard !forms.isEmpty else { return .nothing }
    // What is defined anew replaces what it was.
    let names = forms.compactMap(\.definedName)
    let before = kept.filter { $0.name.map(names.contains) != true }
    do {
      // A definition's value is a procedure, most often, which has no text: its name is shown.
      let shown = forms[forms.count - 1].definedName
      let report = try run(before, text + (shown.map { Array("'\($0)".utf8) } ?? []))
      let value = try report.result.get()
      let baseline = try run(before, Self.quote).gasUsed
      let gas = report.gasUsed - baseline + (shown == nil ? Self.quoteGas : 0)
      let assigning = before.contains(where: \.assigns) || forms.contains(where: \.assigns)
      if assigning || !names.isEmpty { keep(forms, of: text, after: before) }
      return .value(value.description, gas: gas)
    } catch let failure as LispFailure {
      return .failure(explain(failure, after: before))
    } catch {
      return .failure("\(error)")
    }
  }

  /// A form that ends a program where it is measured what those before it cost.
  private static let quote = Array("'a".utf8)
  /// A constant, and dropping the value before it.
  private static let quoteGas: UInt64 = 2

  private func run(_ kept: [Kept], _ text: [UInt8]) throws -> LispRun.Report {
    try LispRun(source: kept.flatMap(\.text) + text, gas: gas).run()
  }

  private mutating func keep(_ forms: [Syntax], of text: [UInt8], after before: [Kept]) {
    kept = before
    for (index, form) in forms.enumerated() {
      let end = index + 1 < forms.count ? forms[index + 1].offset : text.count
      kept.append(
        Kept(
          name: form.definedName,
          text: Array(text[form.offset..<end]) + [10],
          assigns: form.assigns
        )
      )
    }
  }

  /// Lines count from the one just typed, where the fault lies there.
  private func explain(_ failure: LispFailure, after kept: [Kept]) -> String {
    guard let position = failure.position else { return "\(failure.problem)" }
    let before = kept.reduce(0) { $0 + $1.text.count { $0 == 10 } }
    guard position.line > before else { return "\(failure.problem), in what was defined before" }
    return "\(TextPosition(line: position.line - before, column: position.column)): "
      + "\(failure.problem)"
  }
}

extension Syntax {
  private var items: [Syntax] {
    if case .list(let items) = kind { items } else { [] }
  }

  private var symbol: String? {
    if case .atom(.symbol(let name)) = kind { name } else { nil }
  }

  /// `f` of `(define f …)` and `(define (f x) …)`.
  fileprivate var definedName: String? {
    guard items.count > 1 else { return nil }
    switch items[0].symbol {
    case "define": return items[1].symbol ?? items[1].items.first?.symbol
    case "contract": return "contract"
    default: return nil
    }
  }

  fileprivate var assigns: Bool { symbol == "set!" || items.contains(where: \.assigns) }
}

extension LispFailure {
  /// Whether the text may go on.
  fileprivate var isUnclosed: Bool {
    guard case .expected(let what) = problem else { return false }
    return what == "a ) for this (" || what == "a \" for this \""
  }
}
