public import Kernel

/// What comes next, what may come next, which of two tips is the chain, and what of it is final.
public protocol Sequencer: Sendable {
  /// What of a chain the rules for its next block look at.
  associatedtype Past
  /// The header to execute the next block under.
  func draft(after past: Past, at time: UInt64, for producer: Address) -> Header
  /// Judges what execution does not.
  ///
  /// - Throws: `wrongTime` or `wrongWork`; of mined blocks also `wrongBits` or `timeTooFar`.
  func check(_ header: Header, after past: Past, at time: UInt64) throws(Rejection)
  /// Whether a tip that was heard of takes the place of ours; on ties the one first seen stays.
  func prefers(_ tip: Past, over ours: Past) -> Bool
  /// The height up to which blocks stay, whatever comes.
  func finalHeight(below tip: Past) -> UInt32
}

/// One node that makes a block for each transaction, at once.
public struct InstantSequencer: Sequencer {
  public init() {}

  public func draft(after tip: Header, at time: UInt64, for producer: Address) -> Header {
    Header(time: max(time, tip.time), producer: producer)
  }

  public func check(_ header: Header, after parent: Header, at time: UInt64) throws(Rejection) {
    guard header.time >= parent.time else { throw .wrongTime }
    guard header.bits == 0, header.nonce == 0 else { throw .wrongWork }
  }

  public func prefers(_ tip: Header, over ours: Header) -> Bool { tip.height > ours.height }
  public func finalHeight(below tip: Header) -> UInt32 { tip.height }
}

/// A repository as the chain: what its maintainers have agreed on is a line of commits.
///
/// A block for each commit on the line of first parents: its transactions are the files that it adds
/// under `txs/`, in the order of their paths. Maintainers can order and leave out, not forge.
public struct GitSequencer: Sequencer {
  /// A change of a file against the first parent, as `git diff-tree --raw` tells it.
  public struct File: Sendable {
    public let path: [UInt8]
    public let isAdded: Bool
    /// As git has it: 0o100644 for a plain file.
    public let mode: UInt32
    /// Nil if it was too long to be read: see `Refusal.tooLong`.
    public let content: [UInt8]?

    public init(path: [UInt8], isAdded: Bool, mode: UInt32, content: [UInt8]?) {
      (self.path, self.isAdded, self.mode, self.content) = (path, isAdded, mode, content)
    }
  }

  /// Why a file is no transaction.
  public enum Refusal: Error, Hashable, Sendable {
    case elsewhere, notAdded, notPlain, tooLong
    case rejected(Rejection)
  }

  /// The longest file that may hold a transaction.
  public static let fileMax = Transaction.sizeMin + Call.dataMax

  public init() {}

  /// Height is time.
  public func draft(after tip: Header, at time: UInt64, for producer: Address) -> Header {
    Header(time: UInt64(tip.height) + 1, producer: producer)
  }

  public func check(_ header: Header, after parent: Header, at time: UInt64) throws(Rejection) {
    guard header.time == header.height else { throw .wrongTime }
    guard header.bits == 0, header.nonce == 0 else { throw .wrongWork }
  }

  /// The repository says which is the tip, by a force-push too: so nothing is final.
  public func prefers(_ tip: Header, over ours: Header) -> Bool { true }
  public func finalHeight(below tip: Header) -> UInt32 { 0 }

  /// The block's name: SHA-256d(commit ‖ the parent's name).
  public static func name(commit: [UInt8], parent: Bytes32) -> Bytes32 {
    SHA256.double(commit + parent.bytes)
  }

  /// A commit's transactions, and its other files with the reason.
  public static func transactions(
    in files: [File]
  ) -> (accepted: [SignedTransaction], refused: [(path: [UInt8], reason: Refusal)]) {
    var (accepted, refused) = ([SignedTransaction](), [(path: [UInt8], reason: Refusal)]())
    for file in files.sorted(by: { $0.path.lexicographicallyPrecedes($1.path) }) {
      do throws(Refusal) { accepted.append(try transaction(in: file)) } catch {
        refused.append((file.path, error))
      }
    }
    return (accepted, refused)
  }

  private static func transaction(in file: File) throws(Refusal) -> SignedTransaction {
    guard file.path.starts(with: Array("txs/".utf8)) else { throw .elsewhere }
    guard file.isAdded else { throw .notAdded }
    guard file.mode == 0o100644 else { throw .notPlain }
    guard let content = file.content, content.count <= fileMax else { throw .tooLong }
    do throws(Rejection) { return try SignedTransaction(content) } catch { throw .rejected(error) }
  }

  /// How much of the line that was replayed the repository's line begins with.
  ///
  /// Blocks beyond are undone, commits beyond are executed; both lines from the first commit on.
  public static func common(_ replayed: [[UInt8]], _ line: [[UInt8]]) -> Int {
    zip(replayed, line).prefix { $0 == $1 }.count
  }
}
