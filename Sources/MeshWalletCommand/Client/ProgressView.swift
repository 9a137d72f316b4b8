import Glibc
import Kernel
import Service
import Synchronization

/// What happens on the way to an answer, on standard error: one line that changes at a terminal, and
/// elsewhere only what somebody must know.
final class ProgressView: Sendable {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let hasLine = Mutex(false)

  func show(_ event: JSON) {
    if let note = Self.note(event) {
      end()
      Terminal.standard.printError(note + "\n")
    } else if isTerminal, let line = Self.line(event) {
      hasLine.withLock { $0 = true }
      Terminal.standard.printError("\r\u{1b}[K" + line)
    }
  }

  /// Removes the line.
  func end() {
    let had = hasLine.withLock { had in
      defer { had = false }
      return had
    }
    if had { Terminal.standard.printError("\r\u{1b}[K") }
  }

  /// What stays.
  private static func note(_ event: JSON) -> String? {
    switch event["event"]?.string {
    case "resuming":
      "finishing the transition \(event.text("certificate")) that was signed earlier"
    case "resumed": "finished \(event.text("certificate")); now this payment"
    case "recovering":
      "place \(event.text("sequence")) of the account is locked at some validators by something "
        + "signed earlier and not settled; asking them for ballot \(event.text("ballot")) to free it"
    case "validator_equivocated":
      "validator \(event.text("validator")) signed two votes that contradict each other; the others "
        + "are told"
    default: nil
    }
  }

  private static func line(_ event: JSON) -> String? {
    switch event["event"]?.string {
    case "connecting":
      "connecting: \(event.text("validators")) of \(event.text("needed")) validators"
    case "vote":
      "votes: \(event.text("votes")) of \(event.text("needed")) (validator "
        + "\(event.text("validator")))"
    case "rejected":
      "validator \(event.text("validator")) says no: \(event.text("code")) "
        + event.text("reason")
    case "certified": "certified; the validators apply it"
    case "settled": "settled"
    default: nil
    }
  }
}
