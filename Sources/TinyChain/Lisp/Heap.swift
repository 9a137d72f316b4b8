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
  case blob(Blob, Int32)
  // Only on the heap: the first slot of a closure, and of what was moved.
  case header(lambda: Int32, slots: Int32), moved(Int32)

  enum Blob: String { case string, bytes, address }
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
  /// During a collection: where blobs went, or -1.
  private var blobPlaces: [Int32] = []
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
    var new = Heap()
    blobPlaces = [Int32](repeating: -1, count: blobs.count)
    for index in roots.indices { roots[index] = move(roots[index], to: &new) }
    for index in moreRoots.indices { moreRoots[index] = move(moreRoots[index], to: &new) }
    var scanned: Int32 = 0
    while scanned < new.slots.count {
      new[scanned] = move(new[scanned], to: &new)
      scanned += 1
    }
    let reached = new.bytes + (roots.count + moreRoots.count) * Self.slotSize
    new.limit = max(Self.bytesBeforeFirstCollection, 2 * reached)
    self = new
    return bytes <= Self.liveMax
  }

  private mutating func move(_ value: Value, to new: inout Heap) -> Value {
    switch value {
    case .amount(let place): .amount(move(place, 2, to: &new))
    case .pair(let place): .pair(move(place, 2, to: &new))
    case .facet(let place): .facet(move(place, 2, to: &new))
    case .box(let place): .box(move(place, 1, to: &new))
    case .closure(let place): .closure(move(place, closureSize(place), to: &new))
    case .blob(let kind, let index): .blob(kind, move(blob: index, to: &new))
    case .undefined, .null, .bool, .integer, .symbol, .table, .header, .moved: value
    }
  }

  private func closureSize(_ place: Int32) -> Int {
    guard case .header(_, let slots) = self[place] else { return 0 }
    return Int(slots) + 1
  }

  private mutating func move(_ place: Int32, _ count: Int, to new: inout Heap) -> Int32 {
    if case .moved(let there) = self[place] { return there }
    let there = Int32(new.slots.count)
    new.slots += slots[Int(place)..<Int(place) + count]
    self[place] = .moved(there)
    return there
  }

  private mutating func move(blob index: Int32, to new: inout Heap) -> Int32 {
    if blobPlaces[Int(index)] < 0 { blobPlaces[Int(index)] = new.append(blob: blob(index)) }
    return blobPlaces[Int(index)]
  }
}
