/// A value in a running machine: 16 bytes, the larger ones by their place on the heap.
enum Value: BitwiseCopyable, Equatable {
  /// What a variable holds before its definition.
  case undefined
  case null, bool(Bool), integer(Int64), symbol(Int32)
  /// A contract's table, by the symbol of its name.
  case table(Int32)
  // By the first of their slots: low and high half; first and rest; content; address and names;
  // header and captured values.
  case amount(Int32), pair(Int32), box(Int32), facet(Int32), closure(Int32)
  // By the index of their bytes.
  case string(Int32), bytes(Int32), address(Int32)
  // Only on the heap: the first slot of a closure, and of what was moved.
  case header(lambda: Int32, slots: Int32), moved(Int32)
}

/// The memory of one call.
///
/// Data never changes and lists have lists for tails, so only boxes can close a cycle. What is no
/// longer reachable goes when the heap has doubled since the last time (Cheney 1970, breadth first,
/// without recursion): so a collection moves at most two bytes for each that was allocated, and
/// paid for, since the one before.
struct Heap {
  /// Live bytes of a call; a collection that finds more is the end of it.
  static let liveMax = 4 << 20
  /// Bytes at any time: a machine collects between instructions only.
  static let bytesMax = 3 * liveMax
  private static let bytesBeforeFirstCollection = 1 << 16
  static let slotSize = 16
  /// What a byte string takes beside its bytes.
  static let blobSize = 48

  private(set) var slots: [Value] = []
  private(set) var blobs: [[UInt8]] = []
  private var blobBytes = 0
  private var limit = bytesBeforeFirstCollection

  var bytes: Int { slots.count * Self.slotSize + blobBytes }
  var isDue: Bool { bytes > limit }

  mutating func append(_ first: Value, _ second: Value) -> Int32 {
    slots.append(first)
    slots.append(second)
    return Int32(slots.count - 2)
  }

  mutating func append(_ value: Value) -> Int32 {
    slots.append(value)
    return Int32(slots.count - 1)
  }

  mutating func append(blob: [UInt8]) -> Int32 {
    blobs.append(blob)
    blobBytes += Self.blobSize + blob.count
    return Int32(blobs.count - 1)
  }

  subscript(_ index: Int32) -> Value {
    get { slots[Int(index)] }
    set { slots[Int(index)] = newValue }
  }

  func blob(_ index: Int32) -> [UInt8] { blobs[Int(index)] }

  /// Keeps what the roots reach, and makes them point to where it is now.
  ///
  /// - Returns: false if that is more than `liveMax`.
  mutating func collect(_ roots: inout [Value], _ moreRoots: inout [Value]) -> Bool {
    var collection = Collection(old: self)
    (slots, blobs) = ([], [])
    for index in roots.indices { roots[index] = collection.moved(roots[index]) }
    for index in moreRoots.indices { moreRoots[index] = collection.moved(moreRoots[index]) }
    var scanned = 0
    while scanned < collection.slots.count {
      collection.slots[scanned] = collection.moved(collection.slots[scanned])
      scanned += 1
    }
    (slots, blobs, blobBytes) = (collection.slots, collection.blobs, collection.blobBytes)
    let reached = bytes + (roots.count + moreRoots.count) * Self.slotSize
    limit = max(Self.bytesBeforeFirstCollection, 2 * reached)
    return bytes <= Self.liveMax
  }

  private struct Collection {
    private var oldSlots: [Value]
    private var oldBlobs: [[UInt8]]
    /// Where blobs went, or -1.
    private var blobPlaces: [Int32]
    var slots: [Value] = []
    var blobs: [[UInt8]] = []
    var blobBytes = 0

    init(old: Heap) {
      (oldSlots, oldBlobs) = (old.slots, old.blobs)
      blobPlaces = [Int32](repeating: -1, count: old.blobs.count)
    }

    mutating func moved(_ value: Value) -> Value {
      switch value {
      case .amount(let place): .amount(move(place, 2))
      case .pair(let place): .pair(move(place, 2))
      case .facet(let place): .facet(move(place, 2))
      case .box(let place): .box(move(place, 1))
      case .closure(let place): .closure(move(place, closureSize(place)))
      case .string(let index): .string(move(blob: index))
      case .bytes(let index): .bytes(move(blob: index))
      case .address(let index): .address(move(blob: index))
      case .undefined, .null, .bool, .integer, .symbol, .table, .header, .moved: value
      }
    }

    private func closureSize(_ place: Int32) -> Int {
      guard case .header(_, let slots) = oldSlots[Int(place)] else { return 0 }
      return Int(slots) + 1
    }

    private mutating func move(_ place: Int32, _ count: Int) -> Int32 {
      let start = Int(place)
      if case .moved(let new) = oldSlots[start] { return new }
      let new = Int32(slots.count)
      slots += oldSlots[start..<start + count]
      oldSlots[start] = .moved(new)
      return new
    }

    private mutating func move(blob index: Int32) -> Int32 {
      let known = blobPlaces[Int(index)]
      guard known < 0 else { return known }
      blobPlaces[Int(index)] = Int32(blobs.count)
      blobs.append(oldBlobs[Int(index)])
      blobBytes += Heap.blobSize + oldBlobs[Int(index)].count
      return blobPlaces[Int(index)]
    }
  }
}
