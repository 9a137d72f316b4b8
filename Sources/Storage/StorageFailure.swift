import CSQLite

/// Why a database could not do what it was asked: the environment's fault, never a peer's.
public struct StorageFailure: Error, Hashable, CustomStringConvertible {
  public enum Problem: Hashable, Sendable {
    /// The disk, or a limit set on the file.
    case full
    case readOnly
    case cannotOpen
    /// Another process holds it.
    case locked
    case notADatabase
    /// Truncated, or with pages or rows that contradict each other.
    case damaged
    /// Written by a later version of the program.
    case newerSchema(found: Int64, known: Int64)
    /// A sound database, but not the one expected; the text says what it is.
    case foreign(String)
    /// What SQLite says stands in `detail`.
    case other
  }

  public let path: String
  public let problem: Problem
  /// SQLite's extended result code; 0 if the finding is ours.
  public let code: Int32
  /// SQLite's message, or what exactly was found.
  public let detail: String

  public init(path: String, problem: Problem, code: Int32 = 0, detail: String = "") {
    self.path = path
    self.problem = problem
    self.code = code
    self.detail = detail
  }

  /// Reads the last error of a connection, which may be one that could not be opened.
  init(path: String, code: Int32, connection: OpaquePointer?) {
    let message = sqlite3_errmsg(connection).map { String(cString: $0) } ?? ""
    self.init(path: path, problem: Problem(code: code), code: code, detail: message)
  }

  /// What happened, where, and what to do about it; one line.
  public var description: String {
    var text = "\(path): \(explanation)"
    if code != 0 { text += " (SQLite \(code): \(detail))" }
    return text
  }

  private var explanation: String {
    switch problem {
    case .full: "the disk is full; free some space and start again, nothing committed is lost"
    case .readOnly: "the file or its directory is read-only; make it writable for this user"
    case .cannotOpen: "cannot be opened; check that its directory exists and may be read"
    case .locked: "another process is using it; stop that one first"
    case .notADatabase: "this is not a database; move the file away or name another"
    case .damaged:
      "the database is damaged\(note); restore a copy, or move it away and start afresh"
    case .newerSchema(let found, let known):
      "its schema is version \(found), this program knows \(known); use the newer program"
    case .foreign(let what): "\(what); name another data directory"
    case .other: "the database failed\(note)"
    }
  }

  private var note: String { code == 0 && !detail.isEmpty ? " (\(detail))" : "" }
}

extension StorageFailure.Problem {
  init(code: Int32) {
    switch code & 0xff {
    case SQLITE_FULL: self = .full
    case SQLITE_READONLY: self = .readOnly
    case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH: self = .cannotOpen
    case SQLITE_BUSY, SQLITE_LOCKED: self = .locked
    case SQLITE_NOTADB: self = .notADatabase
    case SQLITE_CORRUPT: self = .damaged
    default: self = .other
    }
  }
}
