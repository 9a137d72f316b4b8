import Glibc

/// A program: its name, its configuration and its tree of commands.
///
/// ```swift
/// @main enum SmallNano {
///   static func main() async { exit(await program.run()) }
/// }
/// ```
public struct Program: Sendable {
  public let version: String
  /// What every variable starts with: `SMALLNANO_`.
  let environmentPrefix: String
  /// All options of the configuration file.
  ///
  /// Every command can read them all; which of them it takes as flags, the command says.
  let configuration: [any DeclaredOption]
  let root: Command

  public init(
    version: String,
    environmentPrefix: String,
    configuration: [any DeclaredOption],
    root: Command
  ) {
    precondition(environmentPrefix.hasSuffix("_"))
    self.version = version
    self.environmentPrefix = environmentPrefix
    self.configuration = configuration
    self.root = root
  }

  var name: String { root.name }

  /// The configuration's options and those of the commands on the path, each once.
  func options(of path: [Command]) -> [any DeclaredOption] {
    var options = configuration
    var keys = Set(options.map(\.declaration.key))
    for option in path.flatMap(\.options) where keys.insert(option.declaration.key).inserted {
      options.append(option)
    }
    return options
  }

  func resolve(
    _ arguments: [String],
    environment: [String: String]
  ) throws(UsageFailure) -> Resolution {
    var parser = CommandLineParser(self)
    return try parser.resolve(arguments, environment: environment)
  }

  /// Runs what the command line asks for and returns the exit status.
  ///
  /// 0 after success, 2 for a `UsageFailure`, whatever a `CommandFailure` says, else 1. A failure is
  /// one line on standard error.
  public func run(
    arguments: [String] = Array(CommandLine.arguments.dropFirst()),
    environment: [String: String] = Program.environment()
  ) async -> Int32 {
    var parser = CommandLineParser(self)
    do {
      switch try parser.resolve(arguments, environment: environment) {
      case .help(let text), .version(let text):
        Terminal.print(text)
      case .run(let run, let invocation):
        for warning in invocation.settings.warnings {
          Terminal.printError("\(name): warning: \(warning)\n")
        }
        try await run(invocation)
      }
      return 0
    } catch let failure as UsageFailure {
      Terminal.printError("\(name): \(failure)\nTry '\(parser.pathText) --help'.\n")
      return UsageFailure.exitStatus
    } catch let failure as CommandFailure {
      Terminal.printError("\(name): \(failure)\n")
      return failure.status
    } catch {
      Terminal.printError("\(name): \(error)\n")
      return 1
    }
  }

  /// The variables that this process was started with.
  ///
  /// From /proc, as `environ` is a global that any C library may change.
  public static func environment() -> [String: String] {
    let bytes = (try? PrivateFile.read("/proc/self/environ", bytesMax: 4 << 20)) ?? []
    var variables: [String: String] = [:]
    for entry in bytes.split(separator: 0) {
      guard let equals = entry.firstIndex(of: UInt8(ascii: "=")) else { continue }
      let name = String(decoding: entry[..<equals], as: UTF8.self)
      variables[name] = String(decoding: entry[(equals + 1)...], as: UTF8.self)
    }
    return variables
  }
}

/// Standard output and error, unbuffered.
public enum Terminal {
  /// Writes text as it is; nothing if nobody reads it any more.
  public static func print(_ text: String) {
    write(text, to: STDOUT_FILENO)
  }

  public static func printError(_ text: String) {
    write(text, to: STDERR_FILENO)
  }

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
