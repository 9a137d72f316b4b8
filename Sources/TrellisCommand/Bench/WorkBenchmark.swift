import Kernel
import SmallNano

/// Hashes a second of the work search, in one thread, by each path this processor has; and of
/// checking one block's work.
///
/// Each round measures every path once, so that a slow moment of the machine slows all alike.
func benchmarkWork() {
  let rounds = 21
  let root = Bytes32(words: (1, 2, 3, 4))
  let generators = WorkGenerator.Path.allCases.compactMap { WorkGenerator(path: $0) }
  var rates = generators.map { _ in [Double]() }
  var checks: [Double] = []
  for _ in 0..<rounds {
    for (index, generator) in generators.enumerated() {
      let time = ContinuousClock().measure {
        let found = generator.search(root: root, threshold: .max, from: 0)
        precondition(found == nil)
      }
      rates[index].append(Double(WorkGenerator.chunk) * 1e3 / Double(time.wholeNanoseconds))
    }
    let nonces: UInt64 = 10_000
    let time = ContinuousClock().measure {
      for nonce in 0..<nonces { precondition(Work.value(nonce: nonce, root: root) < .max) }
    }
    checks.append(Double(time.wholeNanoseconds) / Double(nonces))
  }
  for (generator, rates) in zip(generators, rates) {
    let tenths = Int(rates.sorted()[rounds / 2] * 10)
    print("work search, \(generator.path): \(tenths / 10).\(tenths % 10) MH/s")
  }
  print("work check: \(Int(checks.sorted()[rounds / 2])) ns")
}
