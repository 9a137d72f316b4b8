import Kernel
import Storage
import TinyChain

/// Headers that follow one another, as they came: a row of the table.
///
/// A sync brings thousands that are one line; each as a row of its own would cost ten times as much.
/// Beside a header stands only what does not follow from those before it: so the work of the first is
/// stored, and that of the others is the sum.
struct HeaderRun {
  /// Of the first; each header has the next number.
  let number: Int64
  /// Of the header before the first; nil for the first of all.
  let parent: Int64?
  private(set) var entries: ArraySlice<HeaderEntry>

  /// As many as fit into a page of 4,096 bytes with the rest of their row.
  static let countMax = 22

  /// Of some headers, at least one, as many from the first on as a run can have.
  init(startOf entries: ArraySlice<HeaderEntry>, number: Int64, parent: Int64?) {
    (self.number, self.parent) = (number, parent)
    var end = entries.startIndex + 1
    while end < entries.endIndex, end - entries.startIndex < Self.countMax,
      Self.isImplied(entries[end], by: entries[end - 1])
    { end += 1 }
    self.entries = entries[..<end]
  }

  /// Whether of a header all follows from the one before it that is not stored.
  private static func isImplied(_ entry: HeaderEntry, by last: HeaderEntry) -> Bool {
    entry.header.parent == last.id && entry.anchorTime == last.anchorTime
      && entry.work == last.work + work(of: entry.header)
  }

  private static func work(of header: Header) -> UInt256 {
    .work(ofTarget: UInt256(compact: header.bits) ?? .max)
  }

  var last: Int64 { number + Int64(entries.count) - 1 }

  func contains(_ number: Int64) -> Bool { self.number <= number && number <= last }

  subscript(number: Int64) -> HeaderEntry { entries[place(of: number)] }

  private func place(of number: Int64) -> Int { entries.startIndex + Int(number - self.number) }

  func parent(of number: Int64) -> Int64? { number == self.number ? parent : number - 1 }

  mutating func set(_ status: HeaderEntry.Status, of numbers: ClosedRange<Int64>) {
    for number in numbers { entries[place(of: number)].status = status }
  }
}

// The row: number, parent, work of the first without the zeros that it begins with, anchor, a byte of
// status for each header, and the headers, 180 bytes each.
extension HeaderRun {
  static let schema = """
    CREATE TABLE headers (
      number INTEGER PRIMARY KEY, parent INTEGER, work BLOB NOT NULL, anchor INTEGER NOT NULL,
      status BLOB NOT NULL, headers BLOB NOT NULL
    );
    """
  static let insertion = """
    INSERT INTO headers (number, parent, work, anchor, status, headers) VALUES (?, ?, ?, ?, ?, ?)
    """
  static let selection = "SELECT number, parent, work, anchor, status, headers FROM headers "

  var statusBytes: [UInt8] { entries.map(\.status.rawValue) }

  func bind(to parameters: inout Statement.Parameters) {
    var writer = ByteWriter(capacity: entries.count * Header.size)
    for entry in entries { writer.array(entry.header.bytes) }
    parameters.bind(number)
    parameters.bind(parent)
    parameters.bind(Array((entries.first?.work ?? .zero).bigEndianBytes.bytes.drop { $0 == 0 }))
    parameters.bind(Int64(bitPattern: entries.first?.anchorTime ?? 0))
    parameters.bind(statusBytes)
    parameters.bind(writer.bytes)
  }

  init(_ row: Statement.Row) throws {
    let (work, status) = (row.bytes(2), row.bytes(4))
    guard work.count <= 32, let full = Bytes32([UInt8](repeating: 0, count: 32 - work.count) + work)
    else { throw row.damaged("work of a header that cannot be read") }
    (number, parent, entries) = (row.integer(0), row.isNull(1) ? nil : row.integer(1), [])
    var reader = ByteReader(row.bytes(5))
    var sum = UInt256(bigEndian: full)
    for status in status {
      guard let bytes = try? reader.array(Header.size), let header = try? Header(bytes),
        let status = HeaderEntry.Status(rawValue: status)
      else { throw row.damaged("a header that cannot be read") }
      if !entries.isEmpty { sum = sum + Self.work(of: header) }
      let anchor = UInt64(bitPattern: row.integer(3))
      var entry = HeaderEntry(header, id: SHA256.double(bytes), work: sum, anchorTime: anchor)
      entry.status = status
      entries.append(entry)
    }
    guard reader.remaining == 0, !entries.isEmpty else {
      throw row.damaged("a row of headers that has not as many as it says")
    }
  }
}
