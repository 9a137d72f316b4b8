import Glibc

/// A system call that failed: what was tried, and the error number.
public struct SystemFailure: Error, Hashable, CustomStringConvertible {
  public let attempt: String
  public let code: Int32

  public init(_ attempt: String, code: Int32) {
    self.attempt = attempt
    self.code = code
  }

  /// What is wrong in the system's own words, for example "Connection refused".
  public var problem: String {
    var text = [CChar](repeating: 0, count: 256)
    // The XSI form, which Glibc's module gives Swift, always fills the buffer.
    guard strerror_r(code, &text, text.count) == 0 else { return "error \(code)" }
    let end = text.firstIndex(of: 0) ?? text.endIndex
    return String(decoding: text[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  public var description: String { "cannot \(attempt): \(problem)" }
}

/// Throws if a C function answered a negated error number, else returns its answer.
@discardableResult
func checked(_ result: Int32, _ attempt: String) throws(SystemFailure) -> Int32 {
  if result < 0 { throw SystemFailure(attempt, code: -result) }
  return result
}
