public import BrainfuckAssembler
import Kernel
public import TinyChain

/// A file with a program in one of the languages, told by the end of its name.
public enum ProgramFile: Sendable {
  case brainfuck(BrainfuckProgram)
  case lisp(source: [UInt8])

  public enum Language: String, CaseIterable, Sendable {
    case brainfuck, assembly, lisp

    /// Nil for a name that ends in none of .bf, .b, .asm and .lisp.
    public init?(path: String) {
      switch path.split(separator: ".", omittingEmptySubsequences: false).last {
      case "bf", "b": self = .brainfuck
      case "asm": self = .assembly
      case "lisp": self = .lisp
      default: return nil
      }
    }
  }

  /// Why a file is no program.
  public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    case brainfuck(BrainfuckCodeFailure)
    case assembly(AssemblyFailure)
    case notText

    public var description: String {
      switch self {
      case .brainfuck(let failure): failure.explanation
      case .assembly(let failure): "\(failure)"
      case .notText: "it is not UTF-8 text"
      }
    }
  }

  /// Bytes of a file: the longest program with ten times its length of comments, and more.
  public static let bytesMax = 4 << 20

  /// Reads a program; comments are stripped.
  public init(_ bytes: [UInt8], in language: Language) throws(Failure) {
    switch language {
    case .lisp: self = .lisp(source: bytes)
    case .brainfuck:
      do {
        self = .brainfuck(try BrainfuckProgram(source: bytes))
      } catch {
        throw .brainfuck(error)
      }
    case .assembly:
      guard let text = String(validating: bytes, as: UTF8.self) else { throw .notText }
      do {
        self = .brainfuck(try Assembler.assemble(text))
      } catch {
        throw .assembly(error)
      }
    }
  }
}
