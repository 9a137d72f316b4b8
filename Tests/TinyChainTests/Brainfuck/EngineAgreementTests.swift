import Kernel
import Testing
import TinyChain

@Suite("The optimising engine and the naive one agree on tape, output, gas, steps and stop")
struct EngineAgreementTests {
  @Test("on every program of up to 5 instructions, on empty and on full cells, at every gas limit")
  func exhaustive() throws {
    var programs = 0
    for length in 0...5 {
      for number in 0..<(1 << (3 * length)) {
        let opcodes = (0..<length).map { Opcode.allCases[number >> (3 * $0) & 7] }
        guard (try? BrainfuckProgram(opcodes)) != nil else { continue }
        programs += 1
        for cells: [UInt8] in [[0], [2, 1, 0], [255]] {
          for gas: UInt64 in 0...14 {
            let one = EngineCase(
              opcodes: opcodes,
              gas: gas == 14 ? 2_000 : gas,
              input: [7],
              cells: cells,
              loaded: 3,
              outputPause: number % 3 == 0 ? 1 : .max
            )
            if let difference = try one.disagreement() { Issue.record("\(difference)") }
          }
        }
      }
    }
    #expect(programs == 1 + 6 + 37 + 234 + 1514 + 9996)  // Σ C(n, 2k) · Catalan(k) · 6^(n-2k)
  }

  @Test("on random programs", arguments: 0..<8)
  func random(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<4_000 {
      let one = EngineCase(
        opcodes: EngineCase.randomOpcodes(
          count: Int.random(in: 1...60, using: &random),
          using: &random
        ),
        gas: UInt64.random(in: 0...6_000, using: &random),
        input: [1, 0, 255],
        cells: Bool.random(using: &random) ? [0] : [0, 1, 0, 3, 255, 0, 64],
        loaded: Bool.random(using: &random) ? 4 : 256,
        outputPause: Bool.random(using: &random) ? .max : Int.random(in: 1...3, using: &random)
      )
      if let difference = try one.disagreement() {
        Issue.record("\(difference)")
        return
      }
    }
  }

  @Test("when gas runs out at any instruction", arguments: 0..<6)
  func everyGasLimit(seed: UInt64) throws {
    var random = SplitMix64(seed: 100 + seed)
    for _ in 0..<20 {
      var one = EngineCase(
        opcodes: EngineCase.randomOpcodes(count: 24, using: &random),
        cells: [3, 0, 1, 2],
        loaded: 64
      )
      for gas: UInt64 in 0...600 {
        one.gas = gas
        if let difference = try one.disagreement() {
          Issue.record("\(difference)")
          return
        }
      }
    }
  }

  @Test("on scans, wherever the nearest zero is and whatever the other cells hold")
  func scans() throws {
    var random = SplitMix64(seed: 1)
    for _ in 0..<2_000 {
      let values: [UInt8] = [1, 0x7f, 0x80, 0x81, 0xff]
      var one = EngineCase(opcodes: [])
      one.cells = (0..<40).map { _ in values[Int.random(in: 0..<5, using: &random)] }
      if Bool.random(using: &random) { one.cells[Int.random(in: 0..<40, using: &random)] = 0 }
      one.loaded = 40
      let start = Int.random(in: 0..<40, using: &random)
      let move: Opcode = Bool.random(using: &random) ? .left : .right
      let stride = Int.random(in: 1...2, using: &random)
      let body = Array(repeating: move, count: stride)
      one.opcodes = Array(repeating: .right, count: start) + [.open] + body + [.close, .increment]
      one.gas = UInt64.random(in: 0...200, using: &random)
      if let difference = try one.disagreement() {
        Issue.record("\(difference)")
        return
      }
    }
  }

  @Test("at both ends of the tape")
  func ends() throws {
    let toEnd = Array("+[[->+<]>+]".utf8)  // carries a 1 to the last cell and over it
    let scan = Array(">+[>+]".utf8)
    for source in [toEnd, scan, Array("<".utf8), Array("+[<]".utf8), Array("+[>>>]".utf8)] {
      for cells: [UInt8] in [[0], [1]] {
        var one = EngineCase(opcodes: source.compactMap { Opcode($0) }, cells: cells)
        one.gas = 3_000_000
        #expect(try one.disagreement() == nil)
      }
    }
  }
}
