import Storage

/// Which headers are the heaviest branch, by height: as stretches, in which numbers go up with heights.
///
/// While headers of one line come, all of them are one stretch, whose end moves; another stretch
/// begins where headers of other branches have come between.
struct HeaviestLine {
  static let schema = """
    CREATE TABLE heaviest (
      height INTEGER PRIMARY KEY, number INTEGER NOT NULL, last INTEGER NOT NULL
    );
    """

  /// Headers from a height to a last one, and the number of the first.
  struct Stretch: Hashable {
    var height: Int64
    var number: Int64
    var last: Int64

    func number(at height: Int64) -> Int64? {
      self.height <= height && height <= last ? number + height - self.height : nil
    }
  }

  private let database: Database
  /// The last stretch.
  private(set) var end: Stretch?
  /// The one that was looked at last.
  private var found: Stretch?

  init(of database: Database) throws {
    self.database = database
    end = try database.statement(Self.selection + "ORDER BY height DESC LIMIT 1").first(
      read: Self.stretch
    )
  }

  /// The last of the branch.
  var tip: (height: Int64, number: Int64)? {
    end.map { ($0.last, $0.number + $0.last - $0.height) }
  }

  mutating func number(at height: Int64) throws -> Int64? {
    guard let end, height <= end.last else { return nil }
    if let number = end.number(at: height) ?? found?.number(at: height) { return number }
    found = try stretch(at: height)
    return found?.number(at: height)
  }

  /// Ends the branch at a height, and has it go on over these stretches, lowest first.
  mutating func replace(after fork: Int64, with stretches: [Stretch]) throws {
    found = nil
    if let end, end.last > fork {
      try database.statement("DELETE FROM heaviest WHERE height > ?").run { $0.bind(fork) }
      self.end = try stretch(at: fork)
      self.end?.last = fork
    }
    for stretch in stretches {
      if let end, end.number + (stretch.height - end.height) == stretch.number {
        self.end?.last = stretch.last
      } else {
        try write(end)
        end = stretch
      }
    }
    try write(end)
  }

  private func write(_ stretch: Stretch?) throws {
    guard let stretch else { return }
    let insert = "INSERT OR REPLACE INTO heaviest (height, number, last) VALUES (?, ?, ?)"
    try database.statement(insert).run {
      $0.bind(stretch.height)
      $0.bind(stretch.number)
      $0.bind(stretch.last)
    }
  }

  private static let selection = "SELECT height, number, last FROM heaviest "

  private static func stretch(_ row: Statement.Row) -> Stretch {
    Stretch(height: row.integer(0), number: row.integer(1), last: row.integer(2))
  }

  private func stretch(at height: Int64) throws -> Stretch? {
    try database.statement(Self.selection + "WHERE height <= ? ORDER BY height DESC LIMIT 1")
      .first({ $0.bind(height) }, read: Self.stretch)
  }
}
