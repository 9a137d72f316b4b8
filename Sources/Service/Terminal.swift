import Glibc

/// Where a program's results and complaints go.
public struct Terminal: Sendable {
  private let output: @Sendable (String) -> Void
  private let errors: @Sendable (String) -> Void

  /// Standard output and standard error, unbuffered.
  public static let standard = Terminal(
    output: { write($0, to: STDOUT_FILENO) },
    errors: { write($0, to: STDERR_FILENO) }
  )

  public init(
    output: @escaping @Sendable (String) -> Void,
    errors: @escaping @Sendable (String) -> Void
  ) {
    self.output = output
    self.errors = errors
  }

  /// Shows a result, as it is: the text ends its own lines.
  public func print(_ text: String) {
    output(text)
  }

  /// Shows a complaint.
  public func printError(_ text: String) {
    errors(text)
  }

  /// Writes all of the text; nothing more if nobody reads it any longer.
  private static func write(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        return
      }
      rest = rest.dropFirst(count)
    }
  }
}
