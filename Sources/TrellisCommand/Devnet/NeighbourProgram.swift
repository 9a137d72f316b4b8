import Glibc
import Service

/// A program that this one starts.
enum NeighbourProgram: String {
  case smallnano
  case meshValidator = "mesh-validator"
  case meshWallet = "mesh-wallet"
  case tinychain

  /// The one given, or the one beside this program.
  ///
  /// - Parameter given: its path; nil for the neighbour.
  /// - Returns: the path of a program that can be run.
  /// - Throws: `CommandFailure` if there is none.
  func path(given: String?) throws -> String {
    let program = given ?? neighbour(rawValue)
    guard access(program, X_OK) == 0 else {
      throw CommandFailure(
        "there is no program \(program); build it, or name one with --\(rawValue)"
      )
    }
    return program
  }
}

/// A program in the directory of this one.
private func neighbour(_ name: String) -> String {
  var buffer = [UInt8](repeating: 0, count: 4096)
  let count = buffer.withUnsafeMutableBytes { bytes in
    bytes.baseAddress.map {
      readlink("/proc/self/exe", $0.assumingMemoryBound(to: CChar.self), bytes.count)
    } ?? 0
  }
  let path = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
  return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) + "/" + name
}
