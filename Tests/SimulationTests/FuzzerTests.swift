import Kernel
import Simulation
import Testing

@Suite("The fuzzer")
struct FuzzerTests {
  /// Reads: magic, count, count × byte.
  ///
  /// The bug is planted by `judge`.
  private func target(
    _ judge: @escaping @Sendable ([UInt8]) -> FuzzVerdict
  ) -> FuzzTarget {
    FuzzTarget("list", seeds: [[7, 0], [7, 3, 1, 2, 3]], verdict: judge)
  }

  private static func isList(_ input: [UInt8]) -> Bool {
    input.count >= 2 && input[0] == 7 && input.count == 2 + Int(input[1])
  }

  @Test("A sound decoder passes, and some of its inputs are accepted")
  func sound() throws {
    let accepted = try Fuzzer(target { Self.isList($0) ? .accepted : .refused }, seed: 1)
      .run(cases: 0..<5000)
    #expect(accepted > 200)
    #expect(accepted < 5000)
  }

  @Test("A decoder that believes a length field is found out, and the case can be repeated")
  func plantedBug() throws {
    let broken = target { input in
      guard input.count >= 2, input[0] == 7 else { return .refused }
      return input.count - 2 >= Int(input[1])
        ? .accepted : .broken("would read beyond the end")
    }
    let fuzzer = Fuzzer(broken, seed: 1)
    let failure = #expect(throws: FuzzFailure.self) { try fuzzer.run(cases: 0..<5000) }
    let found = try #require(failure)
    #expect(fuzzer.input(found.number) == found.input)
    let again = #expect(throws: FuzzFailure.self) {
      try fuzzer.run(cases: found.number..<found.number + 1)
    }
    #expect(again == found)
  }

  @Test("A seed that is refused is a failure: it would fuzz nothing")
  func refusedSeed() {
    let failure = #expect(throws: FuzzFailure.self) {
      try Fuzzer(target { _ in .refused }, seed: 1).run(cases: 0..<10)
    }
    #expect(failure?.problem == "a valid input is refused")
  }

  @Test("Seeds differ and repeat")
  func seeds() {
    let list = target { _ in .accepted }
    func inputs(_ seed: UInt64) -> [[UInt8]] {
      (10..<40).map { Fuzzer(list, seed: seed).input($0) }
    }
    #expect(inputs(1) == inputs(1))
    #expect(inputs(1) != inputs(2))
  }
}
