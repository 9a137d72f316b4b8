/// What is still to happen, earliest first; among equal times, first planned first.
///
/// The heap holds plain keys, and payloads rest in slots that are used again: sifting moves no
/// payload, and a run allocates only while its backlog grows.
struct EventQueue<Payload> {
  private var heap = TimeHeap()
  private var payloads: [Payload?] = []
  private var freeSlots: [Int] = []

  /// When the earliest payload is due.
  var nextTime: UInt64? { heap.first?.time }

  mutating func push(_ payload: Payload, at time: UInt64) {
    if let slot = freeSlots.popLast() {
      payloads[slot] = payload
      heap.push(time: time, slot: slot)
    } else {
      payloads.append(payload)
      heap.push(time: time, slot: payloads.count - 1)
    }
  }

  mutating func pop() -> Payload? {
    guard let slot = heap.pop()?.slot else { return nil }
    freeSlots.append(slot)
    return payloads[slot].take()
  }
}

/// A binary heap of slots by (time, order of arrival).
///
/// Not generic, so that it is compiled once.
private struct TimeHeap {
  struct Key {
    let time: UInt64
    let sequence: UInt64
    let slot: Int

    func precedes(_ other: Key) -> Bool {
      time != other.time ? time < other.time : sequence < other.sequence
    }
  }

  private var keys: [Key] = []
  private var sequence: UInt64 = 0

  var first: Key? { keys.first }

  mutating func push(time: UInt64, slot: Int) {
    let key = Key(time: time, sequence: sequence, slot: slot)
    sequence += 1
    keys.append(key)
    var hole = keys.count - 1
    while hole > 0 {
      let parent = (hole - 1) / 2
      guard key.precedes(keys[parent]) else { break }
      keys[hole] = keys[parent]
      hole = parent
    }
    keys[hole] = key
  }

  mutating func pop() -> Key? {
    guard let top = keys.first, let moved = keys.popLast() else { return nil }
    guard !keys.isEmpty else { return top }
    var hole = 0
    while true {
      var child = 2 * hole + 1
      guard child < keys.count else { break }
      if child + 1 < keys.count, keys[child + 1].precedes(keys[child]) { child += 1 }
      guard keys[child].precedes(moved) else { break }
      keys[hole] = keys[child]
      hole = child
    }
    keys[hole] = moved
    return top
  }
}
