public import TinyChain

/// Translates assembly into Brainfuck.
///
/// A statement a line, `#` begins a comment. Cells have names: `cell` gives one of page 0, zero at
/// each call, `stored` one of page 1, which stays. A statement leaves all cells alone but those it
/// says it changes.
///
/// | statement | does |
/// |---|---|
/// | `cell a b`, `stored c` | names cells |
/// | `set a 5`, `add a 5`, `subtract a 5` | with a number, or a character as `'x'` |
/// | `move a b`, `copy a b`, `deduct a b` | b = a (move leaves a = 0); b -= a, with a = 0 |
/// | `input a`, `skip 34` | reads a byte; reads as many and forgets them |
/// | `while a`, `if a`, `ifnot a`, `ifequal a 5`, `end` | `if` looks once, before its body |
/// | `write ITEMS` | cells, numbers, characters and "texts", byte by byte |
/// | `answer ITEMS`, `event ITEMS`, `revert ITEMS` | the same as a frame, with its length |
public struct Assembler {
  /// Cells at the start of page 0 are the assembler's own: a flag for each condition, and temporaries.
  private static let ownCellsMax = depthMax + 4
  /// Loops and conditions inside one another.
  private static let depthMax = 32

  /// A name's cell, and two zeros after it for `condition`.
  private static let cellsOfName = 3

  private var cells: [String: Int] = [:]
  private var nextCell = ownCellsMax
  private var nextStored = BrainfuckContract.pageSize
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
      guard assembler.opcodes.count <= BrainfuckProgram.opcodesMax else { break }
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
    case "move", "deduct":
      let (from, to) = try twoCells(words)
      if statement == "move" { clear(to) }
      drain(from, into: [to], isSubtracted: statement == "deduct")
    case "copy":
      let (from, to) = try twoCells(words)
      clear(to)
      copy(from, to: to)
    case "input":
      go(to: try oneCell(words))
      opcodes.append(.input)
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
      guard case .name(let name) = word else { throw failure(.wrongArguments("a name")) }
      guard cells[name] == nil else { throw failure(.nameTaken(name)) }
      let end = (isStored ? 2 : 1) * BrainfuckContract.pageSize
      let next = isStored ? nextStored : nextCell
      guard next + Self.cellsOfName <= end else { throw failure(.tooManyCells) }
      cells[name] = next
      if isStored { nextStored += Self.cellsOfName } else { nextCell += Self.cellsOfName }
    }
  }

  private func index(of word: Word) throws(AssemblyFailure) -> Int {
    guard case .name(let name) = word else { throw failure(.wrongArguments("a cell")) }
    guard let index = cells[name] else { throw failure(.unknownCell(name)) }
    return index
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

  private func twoCells(_ words: [Word]) throws(AssemblyFailure) -> (Int, Int) {
    guard words.count == 2, words[0] != words[1] else {
      throw failure(.wrongArguments("two cells"))
    }
    return (try index(of: words[0]), try index(of: words[1]))
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

  /// Adds a cell to another.
  private mutating func copy(_ cell: Int, to other: Int) {
    let own = ownCell()
    drain(cell, into: [other, own])
    drain(own, into: [cell])
    ownCells -= 1
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

  // MARK: Output

  private mutating func frame(_ kind: UInt8, _ items: [Word]) throws(AssemblyFailure) {
    let length = items.reduce(0) { $0 + $1.size }
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
        go(to: try index(of: item))
        opcodes.append(.output)
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
