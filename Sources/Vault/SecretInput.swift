import Glibc
public import Service

/// Where a password or a wallet's words come from: a file, a terminal that does not echo, or else
/// the lines of standard input.
///
/// Never a flag's value, which every user of the machine can see while the program runs.
public struct SecretInput {
  public static let passwordFile = Option<String?>(
    "password_file",
    .optional(.path),
    default: nil,
    scope: .commandLine,
    help: "Read the password from this file's first line, which only you may read"
  )
  /// The longest secret that is read; the node takes a password of 1,024 bytes.
  private static let bytesMax = 4096

  private let isTerminal = isatty(STDIN_FILENO) == 1
  private let given: String?

  /// An input.
  ///
  /// - Parameter given: the password, if a variable held it.
  public init(given: String? = nil) {
    self.given = given
  }

  /// The password of an existing wallet.
  public func password(_ call: Invocation) throws -> String {
    if let path = call[Self.passwordFile] { return try firstLine(of: path) }
    if let given { return given }
    return try line("Password: ")
  }

  /// A password to be set: typed twice at a terminal.
  public func newPassword(_ call: Invocation) throws -> String {
    let password = try password(call)
    if call[Self.passwordFile] == nil, given == nil, isTerminal {
      guard try line("The same again: ") == password else {
        throw CommandFailure("the two passwords differ; nothing was done")
      }
    }
    guard !password.isEmpty else { throw CommandFailure("the password is empty; nothing was done") }
    return password
  }

  private func firstLine(of path: String) throws -> String {
    let bytes = try PrivateFile.read(path, bytesMax: Self.bytesMax, isSecret: true)
    return try text(Array(bytes.prefix { $0 != 10 }))
  }

  /// One line, typed unseen or piped.
  public func line(_ prompt: String) throws -> String {
    guard isTerminal else { return try pipedLine(prompt) }
    Terminal.standard.printError(prompt)
    var before = termios()
    guard tcgetattr(STDIN_FILENO, &before) == 0 else {
      throw CommandFailure("the terminal cannot be asked to hide what is typed")
    }
    var silent = before
    silent.c_lflag &= ~tcflag_t(ECHO)
    guard tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0 else {
      throw CommandFailure("the terminal cannot be asked to hide what is typed")
    }
    defer {
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
      Terminal.standard.printError("\n")
    }
    return try text(try readLine() ?? [])
  }

  /// Where nobody types, no line at all is not an empty one: a script forgot to give it.
  private func pipedLine(_ prompt: String) throws -> String {
    guard let line = try readLine() else {
      throw CommandFailure(
        "standard input has no line to read for '\(prompt.prefix { $0 != ":" })', and is no terminal"
          + " to ask at; see --help"
      )
    }
    return try text(line)
  }

  /// A line, nil at the end of the input; byte by byte, so that nothing of the next line is taken.
  private func readLine() throws -> [UInt8]? {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while true {
      let count = read(STDIN_FILENO, &byte, 1)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw CommandFailure("standard input cannot be read") }
      if count == 0 { return line.isEmpty ? nil : line }
      if byte == 10 { return line }
      guard line.count < Self.bytesMax else { throw CommandFailure("the line is too long") }
      line.append(byte)
    }
  }

  private func text(_ bytes: [UInt8]) throws -> String {
    let line = bytes.last == 13 ? bytes.dropLast() : bytes[...]
    guard let text = String(validating: line, as: UTF8.self) else {
      throw CommandFailure("what was read is not UTF-8 text")
    }
    return text
  }
}
