/// A program compiled for the optimising engine.
///
/// It is cut into blocks that begin where a jump can land and end with a bracket, an output or a
/// scan. What a block costs and how far its pointer goes is known in advance, so it is charged and
/// checked once, when it is entered. Within a block moves become offsets, runs of `+` and `-` one
/// addition, and loops that only clear, multiply or scan one instruction each.
public struct FoldedProgram: Sendable {
  public let program: BrainfuckProgram
  let slots: [Slot]
  /// For each instruction of the program that begins a block, and for its end, the block's first
  /// slot; `noEntry` for the others.
  let entries: [UInt32]
  static let noEntry = UInt32.max

  public init(_ program: BrainfuckProgram) {
    var folding = Folding(program)
    folding.run()
    (self.program, slots, entries) = (program, folding.slots, folding.entries)
  }

  /// What an instruction of the engine does, with `cell` the pointer on entering the block.
  ///
  /// - block: ahead of each; offset: the least it reaches, word: its gas, word2: its steps
  /// - more: second slot of block, multiply and scan; see there
  /// - add: cell[offset] += value
  /// - addTwo: cell[offset] += value; cell[word] += count
  /// - input: cell[offset] = input
  /// - clear: `[-]` or `[+]` at cell[offset]: cell[offset] = 0, for what `multiply` costs
  /// - multiply: a loop that counts cell[offset] down (value 0) or up (value 255) to 0 in steps of 1,
  ///   adding multiples of the count to other cells. count: number of `target` slots that follow;
  ///   word: gas of an iteration, word2: its steps. The `more` slot has for when gas runs out: its
  ///   index in the program, and gas and steps of the block from there on, which are given back
  /// - target: cell[offset] += value × count, of a multiply loop
  ///
  /// Ends of a block, which move the pointer by `offset` first; brackets then add `value` to the cell:
  ///
  /// - open: `[`, past the loop, slot `word`, if the cell is 0
  /// - close: `]`, to the loop's first block, slot `word`, if the cell is not 0
  /// - output, end
  /// - scan: moves by `more.offset` until the cell is 0; word: gas and steps of a move with its `]`,
  ///   word2: index of the loop's body in the program
  enum Kind: UInt8 {
    case block, more, add, addTwo, input, clear, multiply, target
    case open, close, output, scan, end
  }

  /// 16 bytes; the fields mean what `Kind` says.
  struct Slot: BitwiseCopyable {
    var kind: Kind
    var value: UInt8 = 0
    var count: UInt16 = 0
    var offset: Int32 = 0
    var word: UInt32 = 0
    var word2: UInt32 = 0
  }
}

/// The state of compiling: one pass over the program, linear in its length.
private struct Folding {
  typealias Slot = FoldedProgram.Slot

  let program: BrainfuckProgram
  var slots: [Slot] = []
  var entries: [UInt32]
  /// `open` slots of the loops around.
  var opened: [Int] = []

  // The block being built: its first slot, and what it does.
  var header = 0
  var block = Stretch()
  /// `more` slots that want to know what the block costs after them.
  var rests: [Int] = []

  init(_ program: BrainfuckProgram) {
    self.program = program
    entries = [UInt32](repeating: FoldedProgram.noEntry, count: program.opcodes.count + 1)
    slots.reserveCapacity(program.opcodes.count / 2 + 8)
  }

  mutating func run() {
    beginBlock(at: 0)
    var index = 0
    while index < program.opcodes.count {
      let opcode = program.opcodes[index]
      block.append(opcode)
      switch opcode {
      case .right, .left, .increment, .decrement: break
      case .input:
        flush()
        slots.append(Slot(kind: .input, offset: block.offset))
      case .output:
        endBlock(Slot(kind: .output), next: index + 1)
      case .open:
        let end = Int(program.partners[index])
        if let loop = Stretch(loop: program.opcodes[index + 1...end]), fold(loop, at: index) {
          index = end
        } else {
          opened.append(endBlock(Slot(kind: .open), next: index + 1))
        }
      case .close:
        let open = opened.removeLast()
        endBlock(Slot(kind: .close, word: UInt32(open + 1)), next: index + 1)
        slots[open].word = UInt32(header)
      }
      index += 1
    }
    flush()
    slots.append(Slot(kind: .end, offset: block.offset))
    sealBlock()
  }

  private mutating func beginBlock(at index: Int) {
    header = slots.count
    entries[index] = UInt32(header)
    slots.append(Slot(kind: .block))
    slots.append(Slot(kind: .more, word: UInt32(index)))
    block = Stretch(memory: block.additions)
  }

  /// Appends the block's last instruction, and begins the next block.
  ///
  /// - Returns: the slot of that instruction; the next block's header follows it.
  @discardableResult
  private mutating func endBlock(_ last: Slot, more: Slot? = nil, next: Int) -> Int {
    var last = last
    last.offset = block.offset
    if last.kind == .open || last.kind == .close { last.value = block.takeAddition() }
    flush()
    let position = slots.count
    slots.append(last)
    if let more { slots.append(more) }
    sealBlock()
    beginBlock(at: next)
    return position
  }

  private mutating func sealBlock() {
    slots[header].offset = block.least
    slots[header].word = block.gas
    slots[header].word2 = block.steps
    slots[header + 1].offset = block.most
    for rest in rests {
      slots[rest].word = block.gas - slots[rest].word
      slots[rest].word2 = block.steps - slots[rest].word2
    }
    rests.removeAll(keepingCapacity: true)
  }

  private mutating func flush() {
    guard !block.additions.isEmpty else { return }
    let additions = block.additions.filter { $0.value != 0 }
    block.additions.removeAll(keepingCapacity: true)
    for index in stride(from: 0, to: additions.count, by: 2) {
      var slot = Slot(kind: .add, value: additions[index].value, offset: additions[index].offset)
      if index + 1 < additions.count {
        slot.kind = .addTwo
        slot.count = UInt16(additions[index + 1].value)
        slot.word = UInt32(bitPattern: additions[index + 1].offset)
      }
      slots.append(slot)
    }
  }

  /// Appends a loop as one instruction; its `[` is already counted in the block.
  private mutating func fold(_ loop: Stretch, at index: Int) -> Bool {
    if loop.scans {
      endBlock(
        Slot(kind: .scan, word: loop.gas, word2: UInt32(index + 1)),
        more: Slot(kind: .more, offset: loop.offset),
        next: index + 1 + Int(loop.steps)
      )
      return true
    }
    let counter = loop.additions.reduce(0) { $1.offset == 0 ? $0 &+ $1.value : $0 }
    let targets = loop.additions.filter { $0.offset != 0 && $0.value != 0 }
    guard loop.offset == 0, counter == 1 || counter == 255, targets.count <= UInt16.max else {
      return false
    }
    flush()
    var slot = Slot(kind: targets.isEmpty ? .clear : .multiply, offset: block.offset)
    (slot.value, slot.count) = (counter == 1 ? 255 : 0, UInt16(targets.count))
    (slot.word, slot.word2) = (loop.gas, loop.steps)
    slots.append(slot)
    rests.append(slots.count)
    slots.append(
      Slot(kind: .more, offset: Int32(index), word: block.gas - 1, word2: block.steps - 1)
    )
    for target in targets {
      slots.append(
        Slot(kind: .target, value: target.value, offset: block.offset + target.offset)
      )
    }
    for offset in [loop.least, loop.most] { block.reach(block.offset + offset) }
    return true
  }
}

/// What instructions do that come one after another: a block, or the body of a loop.
private struct Stretch {
  var (gas, steps) = (UInt32(0), UInt32(0))
  /// Where the pointer is, and how far it has been, counted from where it started.
  private(set) var (offset, least, most) = (Int32(0), Int32(0), Int32(0))
  /// To cells, in the order in which the cells were first met.
  ///
  /// Additions commute, so a cell may stand twice: to look back at a few only keeps this linear.
  var additions: [(offset: Int32, value: UInt8)] = []

  /// Whether a loop only moves, in one direction.
  var scans: Bool { gas == steps && offset != 0 && abs(offset) == Int32(steps) - 1 }

  /// An empty one, in the memory of additions that have been flushed.
  init(memory: [(offset: Int32, value: UInt8)] = []) { additions = memory }

  /// A loop up to its `]`; nil if there are loops, input or output inside.
  init?(loop: ArraySlice<Opcode>) {
    for opcode in loop.dropLast() { guard append(opcode) else { return nil } }
    append(.close)
  }

  /// Takes in an instruction.
  ///
  /// - Returns: whether it only moves or adds.
  @discardableResult
  mutating func append(_ opcode: Opcode) -> Bool {
    gas += UInt32(opcode.gas)
    steps += 1
    switch opcode {
    case .right: move(by: 1)
    case .left: move(by: -1)
    case .increment, .decrement:
      let value: UInt8 = opcode == .increment ? 1 : 255
      if let index = recentAddition {
        additions[index].value &+= value
      } else {
        additions.append((offset, value))
      }
    case .input, .output, .open, .close: return false
    }
    return true
  }

  private mutating func move(by distance: Int32) {
    offset += distance
    reach(offset)
  }

  mutating func reach(_ offset: Int32) {
    (least, most) = (min(least, offset), max(most, offset))
  }

  private var recentAddition: Int? {
    for index in (max(0, additions.count - 8)..<additions.count).reversed()
    where additions[index].offset == offset { return index }
    return nil
  }

  /// Removes an addition to the cell where the pointer is; zero if there is none.
  mutating func takeAddition() -> UInt8 {
    recentAddition.map { additions.remove(at: $0).value } ?? 0
  }
}
