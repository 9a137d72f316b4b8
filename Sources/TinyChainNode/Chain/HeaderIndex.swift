import Kernel
import Storage

/// Numbers of headers by their ids.
///
/// Ids are as good as random: an index of them that is kept at once writes a page for each. So the
/// newest are found in memory, and when `tailMax` of them have gathered they go to the disk together,
/// by the first bits of a part of the id, into buckets that are pages.
struct HeaderIndex {
  /// Headers of one segment lie in 1,024 buckets; to find one, a bucket of each segment is read.
  static let schema =
    "CREATE TABLE header_buckets (number INTEGER PRIMARY KEY, keys BLOB NOT NULL);"

  struct Sizes {
    /// Headers found in memory: 2 MB, and a twentieth of a second to read them at the start.
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
  private var tail: [Bytes32: Int64] = [:]
  /// The same in their order.
  private var order: [Bytes32] = []
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

  var isFull: Bool { order.count >= sizes.tailMax }

  /// Notes the id of the next header.
  mutating func add(_ id: Bytes32) {
    order.append(id)
    tail[id] = indexed + Int64(order.count)
  }

  /// The number of a header in memory.
  func newest(_ id: Bytes32) -> Int64? { tail[id] }

  /// Brings what is in memory to the disk, within a transaction.
  mutating func flush() throws {
    var buckets: [Int64: ByteWriter] = [:]
    for (id, number) in zip(order, (indexed + 1)...) {
      let (key, bucket) = (key(of: id), bucket(of: id, number >> sizes.segmentBits))
      buckets[bucket, default: ByteWriter(capacity: 512)].integer(key)
      buckets[bucket]?.integer(UInt32(number & (1 << sizes.segmentBits - 1)))
    }
    for (bucket, keys) in buckets.sorted(by: { $0.key < $1.key }) {
      let before = try readBucket.first({ $0.bind(bucket) }) { $0.bytes(0) } ?? []
      try writeBucket.run {
        $0.bind(bucket)
        $0.bind(before + keys.bytes)
      }
    }
    indexed += Int64(order.count)
    order.removeAll(keepingCapacity: true)
    tail.removeAll(keepingCapacity: true)
    try database.statement("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)").run {
      $0.bind(Self.indexedName)
      $0.bind(indexed)
    }
  }

  /// Numbers of headers whose ids have the same key, newest segment first: somebody may have made some.
  func candidates(for id: Bytes32) throws -> [Int64] {
    let key = key(of: id)
    var found: [Int64] = []
    for segment in stride(from: indexed >> sizes.segmentBits, through: 0, by: -1) {
      let keys = try readBucket.first({ $0.bind(bucket(of: id, segment)) }) { $0.bytes(0) } ?? []
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

  // MARK: Keys

  /// From within the id: work leaves zeros at one end of it.
  private func key(of id: Bytes32) -> UInt64 { id.words.1 & sizes.keyMask }

  private func bucket(of id: Bytes32, _ segment: Int64) -> Int64 {
    segment << Self.bucketBits | Int64(key(of: id) & (1 << UInt64(Self.bucketBits) - 1))
  }
}
