public import TinyChain

/// Translates assembly into Brainfuck.
///
/// A statement a line, `#` begins a comment. Cells have names: `cell` gives one of page 0, zero at
/// each call, `stored` one of the pages after it, which stay. `n*20` names 20 cells in a row, the
/// single ones `n.0` to `n.19`. A statement leaves all cells alone but those it says it changes.
///
/// | statement | does |
/// |---|---|
/// | `cell a b`, `stored c`, `stored n*20` | names cells |
/// | `set a 5`, `add a 5`, `subtract a 5` | with a number, or a character as `'x'` |
/// | `move a b`, `copy a b`, `deduct a b` | b = a (move leaves a = 0); b -= a, with a = 0 |
/// | `input a`, `skip 34` | reads a byte; reads as many and forgets them |
/// | `while a`, `if a`, `ifnot a`, `ifequal a 5`, `end` | `if` looks once, before its body |
/// | `ifsame a b` | of names of as many cells: whether all are equal |
/// | `write ITEMS` | cells, numbers, characters and "texts", byte by byte |
/// | `answer ITEMS`, `event ITEMS`, `revert ITEMS` | the same as a frame, with its length |
///
/// `move`, `copy`, `deduct`, `input` and those that write take names of several cells, too.
public struct Assembler {
  /// Cells at the start of page 0 are the assembler's own: a flag for each condition, and temporaries.
  private static let ownCellsMax = depthMax + 4
  /// Loops and conditions inside one another.
  private static let depthMax = 32

  /// A name's cell, and two zeros after it for `condition`.
  private static let cellsOfName = 3

  /// For each name its cells.
  private var cells: [String: [Int]] = [:]
  private var nextCell = ownCellsMax
  private var nextStored = BrainfuckContract.pageSize
  /// Where named cells end: those farther off cost too much to come to.
  private static let storedEnd = 5 * BrainfuckContract.pageSize
  private var opcodes: [Opcode] = []
  private var pointer = 0
  /// What `end` has to close: the cell its loop tests, and whether that is a flag of the assembler.
  private var opened: [(cell: Int, isFlag: Bool, line: Int)] = []
  private var ownCells = 0
  private var line = 0

  private init() {}

  /// The program of a source.
  ///
  /// - Throws: `AssemblyFailure`, with its line.
  public static func assemble(_ source: String) throws(AssemblyFailure) -> BrainfuckProgram {
    var assembler = Assembler()
    for text in source.split(separator: "\n", omittingEmptySubsequences: false) {
      assembler.line += 1
      guard assembler.opcodes.count <= BrainfuckProgram.opcodesMax else {
        throw AssemblyFailure(line: assembler.line, problem: .tooLong)
      }
      let words = try Word.words(of: text, line: assembler.line)
      if let first = words.first { try assembler.translate(first, Array(words.dropFirst())) }
    }
    if let open = assembler.opened.last {
      throw AssemblyFailure(line: open.line, problem: .missingEnd)
    }
    do {
      return try BrainfuckProgram(assembler.opcodes)
    } catch {
      throw AssemblyFailure(line: assembler.line, problem: .tooLong)
    }
  }

  private mutating func translate(_ first: Word, _ words: [Word]) throws(AssemblyFailure) {
    guard case .name(let statement) = first else { throw failure(.unknownStatement) }
    switch statement {
    case "cell", "stored": try name(words, isStored: statement == "stored")
    case "set":
      let cell = try cellAndByte(words)
      clear(cell.index)
      add(cell.byte, to: cell.index)
    case "add":
      let cell = try cellAndByte(words)
      add(cell.byte, to: cell.index)
    case "subtract":
      let cell = try cellAndByte(words)
      add(0 &- cell.byte, to: cell.index)
    case "deduct":
      for (from, to) in try twoRuns(words) { drain(from, into: [to], isSubtracted: true) }
    case "move", "copy":
      for (from, to) in try twoRuns(words) {
        clear(to)
        if statement == "move" { drain(from, into: [to]) } else { copy(from, to: to) }
      }
    case "input":
      guard words.count == 1 else { throw failure(.wrongArguments("a cell")) }
      for cell in try run(of: words[0]) {
        go(to: cell)
        opcodes.append(.input)
      }
    case "skip":
      guard words.count == 1, case .number(let count) = words[0] else {
        throw failure(.wrongArguments("a number"))
      }
      let own = ownCell()
      go(to: own)
      opcodes += Array(repeating: .input, count: count)
      clear(own)
      ownCells -= 1
    case "while": try open(try oneCell(words), isFlag: false)
    case "if", "ifnot", "ifequal": try condition(statement, words)
    case "ifsame": try sameness(try twoRuns(words))
    case "end": try close(words)
    case "write": try write(words)
    case "answer": try frame(0, words)
    case "event": try frame(2, words)
    case "revert": try frame(4, words)
    default: throw failure(.unknownStatement)
    }
  }

  // MARK: Names

  private mutating func name(_ words: [Word], isStored: Bool) throws(AssemblyFailure) {
    guard !words.isEmpty else { throw failure(.wrongArguments("a name")) }
    for word in words {
      guard case .name(let text) = word else { throw failure(.wrongArguments("a name")) }
      let (name, count) = try nameAndCount(text)
      guard cells[name] == nil else { throw failure(.nameTaken(name)) }
      let end = isStored ? Self.storedEnd : BrainfuckContract.pageSize
      let next = isStored ? nextStored : nextCell
      let size = count * Self.cellsOfName
      guard next + size <= end else { throw failure(.tooManyCells) }
      let run = stride(from: next, to: next + size, by: Self.cellsOfName)
      cells[name] = Array(run)
      if count > 1 { for (index, cell) in run.enumerated() { cells["\(name).\(index)"] = [cell] } }
      if isStored { nextStored += size } else { nextCell += size }
    }
  }

  /// `n` or `n*20`.
  private func nameAndCount(_ text: String) throws(AssemblyFailure) -> (String, Int) {
    let parts = text.split(separator: "*", omittingEmptySubsequences: false)
    guard let name = parts.first, !name.isEmpty, !name.contains(".") else {
      throw failure(.wrongArguments("a name without '.'"))
    }
    guard parts.count > 1 else { return (text, 1) }
    guard parts.count == 2, let count = UInt8(parts[1]), count > 1 else {
      throw failure(.wrongArguments("a number of cells from 2 to 255 after '*'"))
    }
    return (String(name), Int(count))
  }

  private func run(of word: Word) throws(AssemblyFailure) -> [Int] {
    guard case .name(let name) = word else { throw failure(.wrongArguments("a cell")) }
    guard let run = cells[name] else { throw failure(.unknownCell(name)) }
    return run
  }

  private func index(of word: Word) throws(AssemblyFailure) -> Int {
    let run = try run(of: word)
    guard run.count == 1 else { throw failure(.wrongArguments("a single cell")) }
    return run[0]
  }

  private func byte(_ word: Word) throws(AssemblyFailure) -> UInt8 {
    guard case .number(let number) = word, let byte = UInt8(exactly: number) else {
      throw failure(.wrongArguments("a number up to 255 or a character"))
    }
    return byte
  }

  private func oneCell(_ words: [Word]) throws(AssemblyFailure) -> Int {
    guard words.count == 1 else { throw failure(.wrongArguments("a cell")) }
    return try index(of: words[0])
  }

  /// Two different names of as many cells, cell by cell.
  private func twoRuns(_ words: [Word]) throws(AssemblyFailure) -> [(Int, Int)] {
    guard words.count == 2, words[0] != words[1] else {
      throw failure(.wrongArguments("two cells"))
    }
    let (first, second) = (try run(of: words[0]), try run(of: words[1]))
    guard first.count == second.count else {
      throw failure(.wrongArguments("two names of as many cells"))
    }
    return Array(zip(first, second))
  }

  private func cellAndByte(
    _ words: [Word]
  ) throws(AssemblyFailure) -> (index: Int, byte: UInt8) {
    guard words.count == 2 else { throw failure(.wrongArguments("a cell and a number")) }
    return (try index(of: words[0]), try byte(words[1]))
  }

  private func failure(_ problem: AssemblyFailure.Problem) -> AssemblyFailure {
    AssemblyFailure(line: line, problem: problem)
  }

  // MARK: Cells

  private mutating func go(to cell: Int) {
    let move: Opcode = cell < pointer ? .left : .right
    opcodes += Array(repeating: move, count: abs(cell - pointer))
    pointer = cell
  }

  private mutating func clear(_ cell: Int) {
    go(to: cell)
    opcodes += [.open, .decrement, .close]
  }

  private mutating func add(_ value: UInt8, to cell: Int) {
    go(to: cell)
    let isUp = value < 128
    opcodes += Array(
      repeating: isUp ? .increment : .decrement,
      count: Int(isUp ? value : 0 &- value)
    )
  }

  /// Adds a cell to others, and leaves it 0.
  private mutating func drain(_ cell: Int, into others: [Int], isSubtracted: Bool = false) {
    go(to: cell)
    opcodes += [.open, .decrement]
    for other in others {
      go(to: other)
      opcodes.append(isSubtracted ? .decrement : .increment)
    }
    go(to: cell)
    opcodes.append(.close)
  }

  /// Adds a name's cell to another; the zero after it keeps what it is restored from.
  private mutating func copy(_ cell: Int, to other: Int) {
    drain(cell, into: [other, cell + 1])
    drain(cell + 1, into: [cell])
  }

  /// A cell that is 0, and has to be 0 when it is given back.
  private mutating func ownCell() -> Int {
    ownCells += 1
    precondition(ownCells <= Self.ownCellsMax)
    return ownCells - 1
  }

  // MARK: Loops and conditions

  private mutating func open(_ cell: Int, isFlag: Bool) throws(AssemblyFailure) {
    guard opened.count < Self.depthMax else { throw failure(.tooDeep) }
    go(to: cell)
    opcodes.append(.open)
    opened.append((cell, isFlag, line))
  }

  private mutating func close(_ words: [Word]) throws(AssemblyFailure) {
    guard words.isEmpty else { throw failure(.wrongArguments("nothing")) }
    guard let (cell, isFlag, _) = opened.popLast() else { throw failure(.endWithoutBeginning) }
    go(to: cell)
    opcodes.append(.close)
    if isFlag { ownCells -= 1 }
  }

  /// A flag that is cleared on entering makes a loop that runs once at most.
  private mutating func condition(
    _ statement: String,
    _ words: [Word]
  ) throws(AssemblyFailure) {
    let compared: (index: Int, byte: UInt8) =
      statement == "ifequal" ? try cellAndByte(words) : (try oneCell(words), 0)
    let cell = compared.index
    let flag = ownCell()
    add(0 &- compared.byte, to: cell)
    // Whether a cell is 0, without counting it down. Of the two zeros after it the first becomes 1;
    // `[>-]` takes that away if the cell is not 0, and `>[>]` ends on the second either way.
    add(1, to: cell + 1)
    go(to: cell)
    opcodes += [.open, .right, .decrement, .close, .right, .open, .right, .close]
    pointer = cell + 2
    add(compared.byte, to: cell)
    if statement == "if" { add(1, to: flag) }
    drain(cell + 1, into: [flag], isSubtracted: statement == "if")
    try open(flag, isFlag: true)
    clear(flag)
  }

  /// A flag that is 1 if each two cells are equal.
  ///
  /// The two zeros after the second of them take the difference, and what it is restored from. A
  /// difference is carried on from there to the next two, so that the ways are short.
  private mutating func sameness(_ pairs: [(Int, Int)]) throws(AssemblyFailure) {
    var carry: Int?
    for (first, second) in pairs {
      let difference = second + 1
      drain(first, into: [first + 1, difference])
      drain(first + 1, into: [first])
      go(to: second)
      opcodes += [.open, .decrement, .right, .decrement, .right, .increment, .left, .left, .close]
      drain(second + 2, into: [second])
      once(difference) { $0.add(1, to: second + 2) }
      if let carry { drain(carry, into: [second + 2]) }
      carry = second + 2
    }
    let flag = ownCell()
    add(1, to: flag)
    if let carry { once(carry) { $0.clear(flag) } }
    try open(flag, isFlag: true)
    clear(flag)
  }

  /// Does something if a cell is not 0, which it is afterwards.
  private mutating func once(_ cell: Int, _ body: (inout Assembler) -> Void) {
    go(to: cell)
    opcodes.append(.open)
    clear(cell)
    body(&self)
    go(to: cell)
    opcodes.append(.close)
  }

  // MARK: Output

  private mutating func frame(_ kind: UInt8, _ items: [Word]) throws(AssemblyFailure) {
    var length = 0
    for item in items {
      if case .name = item { length += try run(of: item).count } else { length += item.size }
    }
    guard length <= Call.dataMax else { throw failure(.tooLong) }
    try write([Word.number(Int(kind)), .number(length & 255), .number(length >> 8)] + items)
  }

  private mutating func write(_ items: [Word]) throws(AssemblyFailure) {
    let own = ownCell()
    var value: UInt8 = 0
    for item in items {
      var bytes: [UInt8] = []
      switch item {
      case .name:
        for cell in try run(of: item) {
          go(to: cell)
          opcodes.append(.output)
        }
      case .number: bytes = [try byte(item)]
      case .text(let text): bytes = text
      }
      for byte in bytes {
        add(byte &- value, to: own)
        opcodes.append(.output)
        value = byte
      }
    }
    clear(own)
    ownCells -= 1
  }
}
