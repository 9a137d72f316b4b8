import Kernel

/// One system's part of the devnet: its processes, and what happens to them.
protocol DevnetAct: Sendable {
  /// As `--only` names it.
  var name: String { get }

  /// Tells the story, each step of which must succeed.
  ///
  /// - Throws: `DevnetFailure` naming the step, or `CancellationError`.
  func tell() async throws -> any DevnetTable

  /// What a reader can do with the processes that stay up.
  func examples() async -> String

  /// Gives up its connections, before its processes end.
  func close() async
}

/// What a story came to, in figures.
protocol DevnetTable: Sendable {
  var text: String { get }
  var json: JSON { get }
}

/// Columns for people.
enum TextTable {
  /// - Parameters:
  ///   - rows: of equal length.
  ///   - left: how many columns stand left; the others stand right.
  /// - Returns: the lines, each with its end.
  static func columns(_ rows: [[String]], left: Int) -> String {
    let widths = (0..<(rows.first?.count ?? 0)).map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column < left ? cell + space : space + cell
      }
      return cells.joined(separator: "  ") + "\n"
    }.joined()
  }

  /// With one digit after the point, rounded.
  static func tenths(_ value: UInt64, per unit: UInt64) -> String {
    let tenths = (value * 10 + unit / 2) / unit
    return "\(tenths / 10).\(tenths % 10)"
  }
}
