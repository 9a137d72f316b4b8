import Kernel
import Storage

/// Numbers of headers by their ids.
///
/// Ids are as good as random: an index of them that is kept at once writes a page for each. So the
/// newest are found in memory, and when `tailMax` of them have gathered they go to the disk together,
/// by some bits of the id, into buckets that are pages.
struct HeaderIndex {
  /// Headers of one segment lie in 1,024 buckets; to find one, a bucket of each segment is read.
  static let schema =
    "CREATE TABLE header_buckets (number INTEGER PRIMARY KEY, keys BLOB NOT NULL);"

  struct Sizes {
    /// Headers found in memory: 3 MB, and a twentieth of a second to read them at the start.
    var tailMax = 32_768
    /// Headers of a segment, as a power of two: so 256 in a bucket, or 3 KB.
    ///
    /// Four years of blocks at 15 s are 32 segments.
    var segmentBits: Int64 = 18
    /// Bits of an id that the index has.
    var keyMask = UInt64.max
  }

  private static let bucketBits: Int64 = 10
  private static let indexedName = "headers_indexed"

  private let database: Database
  private let sizes: Sizes
  /// Up to here they are on the disk.
  private(set) var indexed: Int64 = 0
  /// Those after it.
  private var tail: [Bytes32] = []
  /// Where in it the first of them are: a sync adds thousands and asks for none.
  private var places: [Bytes32: Int] = [:]
  private let readBucket: Statement
  private let writeBucket: Statement

  init(of database: Database, _ sizes: Sizes) throws {
    (self.database, self.sizes) = (database, sizes)
    indexed = try database.meta(Self.indexedName) { $0.integer(0) } ?? 0
    readBucket = database.statement("SELECT keys FROM header_buckets WHERE number = ?")
    writeBucket = database.statement(
      "INSERT OR REPLACE INTO header_buckets (number, keys) VALUES (?, ?)"
    )
  }

  var isFull: Bool { tail.count >= sizes.tailMax }

  /// Notes the id of the next header.
  mutating func add(_ id: Bytes32) { tail.append(id) }

  /// The number of a header in memory.
  mutating func newest(_ id: Bytes32) -> Int64? {
    for place in places.count..<tail.count { places[tail[place]] = place }
    return places[id].map { indexed + 1 + Int64($0) }
  }

  /// Brings what is in memory to the disk, within a transaction.
  mutating func flush() throws {
    var rest = tail[...]
    while !rest.isEmpty {
      let number = indexed + 1
      let (segment, first) = (number >> sizes.segmentBits, number & (1 << sizes.segmentBits - 1))
      let ids = rest.prefix(Int(1 << sizes.segmentBits - first))
      try flush(ids, from: UInt32(first), of: segment)
      indexed += Int64(ids.count)
      rest.removeFirst(ids.count)
    }
    tail.removeAll(keepingCapacity: true)
    places = [:]
    try database.statement("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)").run {
      $0.bind(Self.indexedName)
      $0.bind(indexed)
    }
  }

  private func flush(_ ids: ArraySlice<Bytes32>, from first: UInt32, of segment: Int64) throws {
    var buckets = [ByteWriter](repeating: ByteWriter(), count: 1 << Self.bucketBits)
    for (id, place) in zip(ids, first...) {
      let key = key(of: id)
      let bucket = Self.bucket(of: key)
      buckets[bucket].integer(key)
      buckets[bucket].integer(place)
    }
    for (bucket, keys) in buckets.enumerated() where !keys.bytes.isEmpty {
      let row = segment << Self.bucketBits | Int64(bucket)
      let before = try readBucket.first({ $0.bind(row) }) { $0.bytes(0) } ?? []
      try writeBucket.run {
        $0.bind(row)
        $0.bind(before + keys.bytes)
      }
    }
  }

  /// Numbers of headers whose ids have the same key, newest segment first: somebody may have made some.
  func candidates(for id: Bytes32) throws -> [Int64] {
    let key = key(of: id)
    let bucket = Int64(Self.bucket(of: key))
    var found: [Int64] = []
    for segment in stride(from: indexed >> sizes.segmentBits, through: 0, by: -1) {
      let keys =
        try readBucket.first({ $0.bind(segment << Self.bucketBits | bucket) }) { $0.bytes(0) } ?? []
      var reader = ByteReader(keys)
      do {
        while reader.remaining > 0 {
          let (other, place) = (try reader.uint64(), try reader.uint32())
          if other == key { found.append(segment << sizes.segmentBits | Int64(place)) }
        }
      } catch {
        throw database.damaged("an index of headers that cannot be read")
      }
    }
    return found
  }

  /// From within the id: work leaves zeros at one end of it.
  private func key(of id: Bytes32) -> UInt64 { id.words.1 & sizes.keyMask }

  private static func bucket(of key: UInt64) -> Int { Int(key & (1 << UInt64(bucketBits) - 1)) }
}
