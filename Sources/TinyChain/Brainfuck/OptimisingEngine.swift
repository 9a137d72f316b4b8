extension BrainfuckMachine {
  /// Runs a folded program: to the same tape, output, gas and stop as `runNaively`, only sooner.
  ///
  /// What a block cannot be sure of in advance (that its gas suffices, that its pointer stays on the
  /// loaded tape) is left to the naive engine, which runs the block up to the next one's beginning.
  public mutating func run(_ folded: FoldedProgram) -> BrainfuckStop {
    while true {
      if folded.entries[counter] != FoldedProgram.noEntry, let stop = runBlocks(folded) {
        return stop
      }
      let stop = folded.entries.withUnsafeBufferPointer { entries in
        interpret(folded.program, rule: .pastOpen) { entries[$0] != FoldedProgram.noEntry }
      }
      if let stop { return stop }
    }
  }

  /// Runs whole blocks from the one at `counter`; nil before what the naive engine has to judge.
  private mutating func runBlocks(_ folded: FoldedProgram) -> BrainfuckStop? {
    var tape: [UInt8] = []
    swap(&tape, &self.tape)
    defer { swap(&tape, &self.tape) }
    return tape.withUnsafeMutableBufferPointer { cells in
      folded.slots.withUnsafeBufferPointer { slots in
        guard let first = cells.baseAddress, let code = slots.baseAddress else { return nil }
        return loop(folded, first: first, last: first + cells.count - 1, code: code)
      }
    }
  }

  /// The loop: everything it needs at every turn is in five local variables.
  private mutating func loop(
    _ folded: FoldedProgram,
    first: UnsafeMutablePointer<UInt8>,
    last: UnsafeMutablePointer<UInt8>,
    code: UnsafePointer<FoldedProgram.Slot>
  ) -> BrainfuckStop? {
    var cell = first + pointer
    var slot = code + Int(folded.entries[counter])
    var (gas, steps) = (gas, steps)
    defer { (self.gas, self.steps, pointer) = (gas, steps, cell - first) }

    while true {
      // A block's header: its gas, its leftmost and its rightmost cell, in one test of the signs.
      let left = gas &- Int64(slot.pointee.word)
      let leftward = (cell + Int(slot.pointee.offset)) - first
      let rightward = last - (cell + Int(slot[1].offset))
      guard left | Int64(leftward | rightward) >= 0 else {
        counter = Int(slot[1].word)
        return nil
      }
      gas = left
      steps &+= UInt64(slot.pointee.word2)
      slot += 2

      block: while true {
        switch slot.pointee.kind {
        case .add:
          cell[Int(slot.pointee.offset)] &+= slot.pointee.value
          slot += 1
        case .addTwo:
          cell[Int(slot.pointee.offset)] &+= slot.pointee.value
          let second = Int(Int32(bitPattern: slot.pointee.word))
          cell[second] &+= UInt8(truncatingIfNeeded: slot.pointee.count)
          slot += 1
        case .clear, .multiply:
          let counted = cell + Int(slot.pointee.offset)
          let count = (counted.pointee ^ slot.pointee.value) &- slot.pointee.value
          let price = Int64(count) &* Int64(slot.pointee.word)
          guard price <= gas else {
            gas &+= Int64(slot[1].word)
            steps &-= UInt64(slot[1].word2)
            counter = Int(slot[1].offset)
            cell = counted
            return nil
          }
          gas &-= price
          steps &+= UInt64(count) &* UInt64(slot.pointee.word2)
          let targets = Int(slot.pointee.count)
          slot += 2
          for target in slot..<slot + targets {
            cell[Int(target.pointee.offset)] &+= target.pointee.value &* count
          }
          counted.pointee = 0
          slot += targets
        case .input:
          cell[Int(slot.pointee.offset)] = nextInput()
          slot += 1
        case .open:
          cell += Int(slot.pointee.offset)
          cell.pointee &+= slot.pointee.value
          slot = cell.pointee == 0 ? code + Int(slot.pointee.word) : slot + 1
          break block
        case .close:
          cell += Int(slot.pointee.offset)
          cell.pointee &+= slot.pointee.value
          slot = cell.pointee != 0 ? code + Int(slot.pointee.word) : slot + 1
          break block
        case .output:
          cell += Int(slot.pointee.offset)
          output.append(cell.pointee)
          slot += 1
          if output.count == outputPause {
            counter = Int(slot[1].word)
            return .outputPaused
          }
          break block
        case .scan:
          cell += Int(slot.pointee.offset)
          let stride = Int(slot[1].offset)
          let moves = Self.movesToZero(from: cell, by: stride, first: first, last: last)
          let price = Int64(moves) &* Int64(slot.pointee.word)
          guard moves >= 0, price <= gas else {
            counter = Int(slot.pointee.word2)
            return nil
          }
          cell += moves &* stride
          gas &-= price
          steps &+= UInt64(price)
          slot += 2
          break block
        case .end:
          cell += Int(slot.pointee.offset)
          counter = folded.program.opcodes.count
          return .finished
        case .block, .more, .target:
          preconditionFailure("not the first slot of an instruction")
        }
      }
    }
  }

  /// How many moves a scan makes; -1 if it leaves the cells `first...last`.
  @inline(__always)
  private static func movesToZero(
    from start: UnsafeMutablePointer<UInt8>,
    by stride: Int,
    first: UnsafeMutablePointer<UInt8>,
    last: UnsafeMutablePointer<UInt8>
  ) -> Int {
    var cell = start
    if stride == 1 {
      while last - cell >= 7 {
        let zeros = zeroBytes(UnsafeRawPointer(cell).loadUnaligned(as: UInt64.self).littleEndian)
        if zeros != 0 { return cell - start + zeros.trailingZeroBitCount / 8 }
        cell += 8
      }
    } else if stride == -1 {
      while cell - first >= 7 {
        let bytes = UnsafeRawPointer(cell - 7).loadUnaligned(as: UInt64.self).littleEndian
        let zeros = zeroBytes(bytes)
        if zeros != 0 { return start - cell + zeros.leadingZeroBitCount / 8 }
        cell -= 8
      }
    }
    var moves = abs(cell - start)
    while cell >= first, cell <= last {
      if cell.pointee == 0 { return moves }
      cell += stride
      moves &+= 1
    }
    return -1
  }

  /// The highest bit of each byte of the result says whether that of `word` is zero.
  @inline(__always)
  private static func zeroBytes(_ word: UInt64) -> UInt64 {
    let low: UInt64 = 0x7f7f_7f7f_7f7f_7f7f
    return ~(((word & low) &+ low) | word | low)
  }
}
