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
    self.program = program
    slots = folding.slots
    entries = folding.entries
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

  // The block being built.
  var header = 0
  var reach = Reach()
  var gas: UInt32 = 0
  var steps: UInt32 = 0
  var additions = Additions()
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
      gas += UInt32(opcode.gas)
      steps += 1
      switch opcode {
      case .right: reach.move(by: 1)
      case .left: reach.move(by: -1)
      case .increment: additions.add(1, at: reach.offset)
      case .decrement: additions.add(255, at: reach.offset)
      case .input:
        flush()
        slots.append(Slot(kind: .input, offset: reach.offset))
      case .output:
        endBlock(Slot(kind: .output), next: index + 1)
      case .open:
        let end = Int(program.partners[index])
        if let loop = StraightLoop(program.opcodes[index + 1..<end]), fold(loop, at: index) {
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
    slots.append(Slot(kind: .end, offset: reach.offset))
    sealBlock()
  }

  private mutating func beginBlock(at index: Int) {
    header = slots.count
    entries[index] = UInt32(header)
    slots.append(Slot(kind: .block))
    slots.append(Slot(kind: .more, word: UInt32(index)))
    (reach, gas, steps) = (Reach(), 0, 0)
  }

  /// Appends the block's last instruction, and begins the next block.
  ///
  /// - Returns: the slot of that instruction; the next block's header follows it.
  @discardableResult
  private mutating func endBlock(_ last: Slot, more: Slot? = nil, next: Int) -> Int {
    var last = last
    last.offset = reach.offset
    if last.kind == .open || last.kind == .close {
      last.value = additions.take(at: reach.offset)
    }
    flush()
    let position = slots.count
    slots.append(last)
    if let more { slots.append(more) }
    sealBlock()
    beginBlock(at: next)
    return position
  }

  private mutating func sealBlock() {
    slots[header].offset = reach.least
    slots[header].word = gas
    slots[header].word2 = steps
    slots[header + 1].offset = reach.most
    guard !rests.isEmpty else { return }
    for rest in rests {
      slots[rest].word = gas - slots[rest].word
      slots[rest].word2 = steps - slots[rest].word2
    }
    rests.removeAll(keepingCapacity: true)
  }

  private mutating func flush() {
    guard !additions.sums.isEmpty else { return }
    let sums = additions.sums.filter { $0.value != 0 }
    for index in stride(from: 0, to: sums.count, by: 2) {
      var slot = Slot(kind: .add, value: sums[index].value, offset: sums[index].offset)
      if index + 1 < sums.count {
        slot.kind = .addTwo
        slot.count = UInt16(sums[index + 1].value)
        slot.word = UInt32(bitPattern: sums[index + 1].offset)
      }
      slots.append(slot)
    }
    additions.sums.removeAll(keepingCapacity: true)
  }

  /// Appends a loop as one instruction; its `[` is already counted in the block.
  private mutating func fold(_ loop: StraightLoop, at index: Int) -> Bool {
    if loop.scans {
      endBlock(
        Slot(kind: .scan, word: loop.gas, word2: UInt32(index + 1)),
        more: Slot(kind: .more, offset: loop.reach.offset),
        next: index + 1 + Int(loop.steps)
      )
      return true
    }
    let targets = loop.additions.sums.filter { $0.value != 0 }
    guard loop.counts, targets.count <= UInt16.max else { return false }
    flush()
    var slot = Slot(kind: targets.isEmpty ? .clear : .multiply, offset: reach.offset)
    (slot.value, slot.count) = (loop.counter == 1 ? 255 : 0, UInt16(targets.count))
    (slot.word, slot.word2) = (loop.gas, loop.steps)
    slots.append(slot)
    rests.append(slots.count)
    slots.append(Slot(kind: .more, offset: Int32(index), word: gas - 1, word2: steps - 1))
    for sum in targets {
      slots.append(Slot(kind: .target, value: sum.value, offset: reach.offset + sum.offset))
    }
    reach.include(loop.reach)
    return true
  }
}

/// Where the pointer is, and how far it has been, counted from where it started.
private struct Reach {
  var offset: Int32 = 0
  var least: Int32 = 0
  var most: Int32 = 0

  mutating func move(by distance: Int32) {
    offset += distance
    least = min(least, offset)
    most = max(most, offset)
  }

  /// What starts from here comes back here.
  mutating func include(_ other: Reach) {
    least = min(least, offset + other.least)
    most = max(most, offset + other.most)
  }
}

/// Additions to cells, in the order in which the cells were first met.
private struct Additions {
  struct Sum {
    let offset: Int32
    var value: UInt8
  }

  var sums: [Sum] = []

  /// Additions commute, so a cell may stand twice: to look back at a few only keeps this linear.
  private func index(of offset: Int32) -> Int? {
    var index = sums.count
    let end = max(0, index - 8)
    while index > end {
      index -= 1
      if sums[index].offset == offset { return index }
    }
    return nil
  }

  mutating func add(_ value: UInt8, at offset: Int32) {
    if let index = index(of: offset) {
      sums[index].value &+= value
    } else {
      sums.append(Sum(offset: offset, value: value))
    }
  }

  /// Removes one addition to a cell; zero if there is none.
  mutating func take(at offset: Int32) -> UInt8 {
    index(of: offset).map { sums.remove(at: $0).value } ?? 0
  }
}

/// The body of a loop without loops, input and output inside.
private struct StraightLoop {
  var reach = Reach()
  /// Of one iteration, `]` included.
  var (gas, steps) = (UInt32(1), UInt32(1))
  /// What is added to the cell that is tested, and to others.
  var counter: UInt8 = 0
  var additions = Additions()

  /// Counts its cell by one, and adds to others.
  var counts: Bool { reach.offset == 0 && (counter == 1 || counter == 255) }
  /// Moves in one direction.
  var scans: Bool { gas == steps && reach.offset != 0 && abs(reach.offset) == Int32(steps) - 1 }

  init?(_ body: ArraySlice<Opcode>) {
    for opcode in body {
      gas += UInt32(opcode.gas)
      steps += 1
      switch opcode {
      case .right: reach.move(by: 1)
      case .left: reach.move(by: -1)
      case .increment, .decrement:
        let value: UInt8 = opcode == .increment ? 1 : 255
        if reach.offset == 0 { counter &+= value } else { additions.add(value, at: reach.offset) }
      case .input, .output, .open, .close: return nil
      }
    }
  }
}
