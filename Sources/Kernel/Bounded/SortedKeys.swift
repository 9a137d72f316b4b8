/// A set of keys in order: found, added and removed without moving more than one small piece.
///
/// An array of sorted arrays, each at most `pieceMax` long and none empty.
public struct SortedKeys<Key: Comparable & Sendable>: Sendable {
  /// 256 keys of 64 bytes move within 16 KiB, which a first-level cache holds.
  private static var pieceMax: Int { 256 }

  private var pieces: [[Key]] = []

  public init() {}

  public mutating func insert(_ key: Key) {
    guard !pieces.isEmpty else {
      pieces = [[key]]
      return
    }
    let piece = min(self.piece(of: key), pieces.count - 1)
    let index = Self.partition(pieces[piece].count) { pieces[piece][$0] < key }
    if index < pieces[piece].count, pieces[piece][index] == key { return }
    pieces[piece].insert(key, at: index)
    guard pieces[piece].count > Self.pieceMax else { return }
    let upper = Array(pieces[piece][(Self.pieceMax / 2)...])
    pieces[piece].removeSubrange((Self.pieceMax / 2)...)
    pieces.insert(upper, at: piece + 1)
  }

  public mutating func remove(_ key: Key) {
    let piece = piece(of: key)
    guard piece < pieces.count else { return }
    let index = Self.partition(pieces[piece].count) { pieces[piece][$0] < key }
    guard index < pieces[piece].count, pieces[piece][index] == key else { return }
    pieces[piece].remove(at: index)
    if pieces[piece].isEmpty { pieces.remove(at: piece) }
  }

  /// Up to `limit` keys in order, from the first that is not below `start`.
  public func keys(from start: Key, limit: Int) -> [Key] {
    var keys: [Key] = []
    var piece = piece(of: start)
    guard piece < pieces.count else { return [] }
    var index = Self.partition(pieces[piece].count) { pieces[piece][$0] < start }
    while piece < pieces.count, keys.count < limit {
      keys.append(contentsOf: pieces[piece][index...].prefix(limit - keys.count))
      piece += 1
      index = 0
    }
    return keys
  }

  /// The first piece whose last key is not below `key`; the count of pieces if there is none.
  private func piece(of key: Key) -> Int {
    Self.partition(pieces.count) { piece in pieces[piece].last.map { $0 < key } ?? false }
  }

  /// The first index of a sorted range for which `isBelow` is false.
  private static func partition(_ count: Int, _ isBelow: (Int) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isBelow(middle) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }
}
