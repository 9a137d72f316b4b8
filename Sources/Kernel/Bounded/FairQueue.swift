/// Bounded queues, one for each source, served in turn by cost.
///
/// Deficit round robin (Shreedhar and Varghese 1996): at its turn a source gains a quantum of
/// credit and spends it on its oldest elements, so over time each busy source gets the same share
/// of the work, however many or however costly the elements it sends. Order follows from the order
/// of calls alone.
///
/// Drop policy: an element that would bring its own source over a limit is refused, and nothing of
/// any source is dropped for it. A reader that is refused stops reading that source until the
/// queue has room (`hasRoom`), which the source's TCP connection then feels.
public struct FairQueue<Source: Hashable & Sendable, Element: Sendable>: Sendable {
  /// What one queue may hold, each with its reason at the place where it is chosen.
  public struct Limits: Hashable, Sendable {
    /// Sources with elements at one time.
    public let sources: Int
    public let elementsPerSource: Int
    /// Sum of the costs of a source's elements, for example bytes.
    public let costPerSource: Int
    /// Credit a turn.
    ///
    /// The largest cost of one element makes every turn serve something; less interleaves more
    /// finely.
    public let quantum: Int

    public init(sources: Int, elementsPerSource: Int, costPerSource: Int, quantum: Int) {
      precondition(sources > 0)
      precondition(elementsPerSource > 0)
      precondition(costPerSource > 0)
      precondition(quantum > 0)
      self.sources = sources
      self.elementsPerSource = elementsPerSource
      self.costPerSource = costPerSource
      self.quantum = quantum
    }
  }

  public enum Refusal: Error, Hashable, Sendable {
    case tooManySources
    case tooManyElements
    case tooMuchCost
  }

  private struct Entry: Sendable {
    let element: Element
    let cost: Int
  }

  private struct Line: Sendable {
    var entries = RingBuffer<Entry>()
    var cost = 0
    var credit = 0
    /// Whether the quantum of the current turn was given.
    var isServing = false
  }

  public let limits: Limits
  private var lines: [Source: Line] = [:]
  /// Sources with elements, in the order of their turns.
  private var turns = RingBuffer<Source>()
  public private(set) var count = 0

  public init(limits: Limits) {
    self.limits = limits
  }

  public var isEmpty: Bool { count == 0 }

  /// Elements of one source.
  public func count(of source: Source) -> Int { lines[source]?.entries.count ?? 0 }

  /// Whether an element of this cost would be taken.
  public func hasRoom(for source: Source, cost: Int) -> Bool { refusal(source, cost) == nil }

  /// Appends to the source's queue; a cost is at least 1.
  ///
  /// - Throws: `Refusal`; then nothing has changed.
  public mutating func push(_ element: Element, from source: Source, cost: Int) throws(Refusal) {
    precondition(cost > 0)
    if let refusal = refusal(source, cost) { throw refusal }
    let isNew = lines[source] == nil
    lines[source, default: Line()].entries.append(Entry(element: element, cost: cost))
    lines[source, default: Line()].cost += cost
    count += 1
    if isNew { turns.append(source) }
  }

  private func refusal(_ source: Source, _ cost: Int) -> Refusal? {
    guard let line = lines[source] else {
      if lines.count >= limits.sources { return .tooManySources }
      return cost > limits.costPerSource ? .tooMuchCost : nil
    }
    if line.entries.count >= limits.elementsPerSource { return .tooManyElements }
    return cost > limits.costPerSource - line.cost ? .tooMuchCost : nil
  }

  /// The next element whose turn it is; nil if there is none.
  public mutating func pop() -> (source: Source, element: Element)? {
    while let source = turns.first {
      // Taken out and put back, so that its queue is not copied.
      guard var line = lines.removeValue(forKey: source) else {
        preconditionFailure("a source has a turn exactly while it has a line")
      }
      if !line.isServing {
        line.credit += limits.quantum
        line.isServing = true
      }
      guard let first = line.entries.first, first.cost <= line.credit else {
        line.isServing = false
        lines[source] = line
        _ = turns.popFirst()
        turns.append(source)
        continue
      }
      _ = line.entries.popFirst()
      line.credit -= first.cost
      line.cost -= first.cost
      count -= 1
      if line.entries.isEmpty {
        _ = turns.popFirst()  // An idle source saves no credit.
      } else {
        lines[source] = line
      }
      return (source, first.element)
    }
    return nil
  }

  /// Forgets a source that is gone, with all that waits.
  public mutating func remove(_ source: Source) {
    guard let line = lines.removeValue(forKey: source) else { return }
    count -= line.entries.count
    var rest = RingBuffer<Source>()
    while let next = turns.popFirst() {
      if next != source { rest.append(next) }
    }
    turns = rest
  }
}
