/// Lines of names and values, the values below each other.
public func table(_ rows: [(String, String)]) -> String {
  let width = rows.map(\.0.count).max() ?? 0
  return rows.map { name, value in
    "\(name)\(String(repeating: " ", count: width - name.count))  \(value)\n"
  }.joined()
}
