import BulletproofsPlus
import Curve25519
import Glibc
import Keccak
import Kernel

/// Measures each operation on two classes of secrets and compares the times.
///
/// - Returns: whether none leaks; with `canary`, whether each leak is found.
func checkTiming(samples: Int, canary: Bool) -> Bool {
  var wrong = 0
  for operation in canary ? TimedOperation.canaries : TimedOperation.all {
    let test = operation.test(samples: samples * operation.factor)
    let worst = test.worst
    let isLeak = abs(worst.t) > TimingTest.threshold
    wrong += isLeak == canary ? 0 : 1
    let verdict = isLeak == canary ? (isLeak || abs(worst.t) < 4.5 ? "ok  " : "ok ?") : "FAIL"
    print(
      "\(verdict) \(operation.name): |t| = \(decimal(abs(worst.t)))",
      "(fastest \(worst.percentage) %; \(decimal(worst.mean / 1000)) µs;",
      "a difference of \(decimal(worst.resolution)) ns would show)"
    )
  }
  return wrong == 0
}

/// Two classes of measurements, drawn in random order, and Welch's t-test of their means
/// (Reparaz, Balasch, Verbauwhede 2017, "Dude, is my code constant time?").
struct TimingTest {
  /// |t| from which dudect calls code leaky; 4.5 is where one would measure again.
  static let threshold = 10.0

  private var measurements: [(isSecond: Bool, nanoseconds: Double)] = []

  /// The test of the measurements below one percentile.
  struct Crop {
    let percentage: Int
    let t: Double
    let mean: Double
    /// Between the classes' means: this much would give |t| = `threshold`.
    let resolution: Double
  }

  mutating func append(isSecond: Bool, nanoseconds: Double) {
    measurements.append((isSecond, nanoseconds))
  }

  /// The crop with the largest |t|.
  ///
  /// Interrupts and other programs make a long tail that hides small differences. Cut at several
  /// percentiles of all measurements, the rest shows them; the whole is tested as well.
  var worst: Crop {
    let sorted = measurements.map(\.nanoseconds).sorted()
    let crops = [100, 98, 95, 90, 80, 70, 60, 50, 40, 30, 20].map { percentage in
      let bound = sorted[max(0, sorted.count * percentage / 100 - 1)]
      return Self.crop(measurements.filter { $0.nanoseconds <= bound }, percentage)
    }
    return crops.max { abs($0.t) < abs($1.t) } ?? Self.crop(measurements, 100)
  }

  private static func crop(
    _ measurements: [(isSecond: Bool, nanoseconds: Double)],
    _ percentage: Int
  ) -> Crop {
    let (first, second) = (
      Moments(measurements.filter { !$0.isSecond }.map(\.nanoseconds)),
      Moments(measurements.filter(\.isSecond).map(\.nanoseconds))
    )
    let error =
      (first.variance / first.count + second.variance / second.count).squareRoot()
    // A clock coarser than the operation gives equal times; none differ then.
    let t = error > 0 ? (first.mean - second.mean) / error : 0
    return Crop(
      percentage: percentage,
      t: t,
      mean: (first.mean + second.mean) / 2,
      resolution: threshold * error
    )
  }

  private struct Moments {
    let count: Double
    let mean: Double
    let variance: Double

    init(_ values: [Double]) {
      let count = Double(max(values.count, 2))
      let mean = values.reduce(0, +) / count
      self.count = count
      self.mean = mean
      variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    }
  }
}

/// An operation whose argument belongs to one of two classes.
private struct TimedOperation: Sendable {
  let name: String
  /// How many times as many samples as a proof.
  let factor: Int
  /// What is measured, made ready for a class; the randomness is no part of the class.
  let prepare: @Sendable (_ isSecond: Bool, _ random: inout SplitMix64) -> () -> Void

  func test(samples: Int) -> TimingTest {
    var random = SplitMix64(seed: SystemRandomNumberGenerator.word)
    var test = TimingTest()
    for index in -samples / 20..<samples {
      let isSecond = random.next() >> 63 == 1
      let work = prepare(isSecond, &random)
      let start = threadNanoseconds()
      work()
      let time = threadNanoseconds() - start
      // The first ones fill caches and tables.
      if index >= 0 { test.append(isSecond: isSecond, nanoseconds: time) }
    }
    return test
  }

  static let all: [TimedOperation] = [
    proof(values: 1), proof(values: 2),
    .init(name: "Pedersen.commit, 0 against 2^64 - 1", factor: 10) { isSecond, _ in
      let value = mask(isSecond)
      return { consume(Pedersen.commit(value, blinding: blinding)) }
    },
    .init(name: "multiplied(by:), 0 against ℓ - 1", factor: 10) { isSecond, _ in
      let scalar = -Scalar(UInt128(mask(isSecond) & 1))
      return { consume(blindingBase.multiplied(by: scalar)) }
    },
    .init(name: "multiplied(by:), 1 against random", factor: 10) { isSecond, random in
      let drawn = Scalar.random(using: &random)
      let scalar = Scalar(UInt128(mask(isSecond) & 1))
      let secret = Scalar.one + scalar * (drawn - .one)
      return { consume(blindingBase.multiplied(by: secret)) }
    },
    .init(name: "multiscalar of 17 terms, 0 against random", factor: 10) { isSecond, random in
      let factor = Scalar(UInt128(mask(isSecond) & 1))
      let terms = (0..<17).map { _ in
        (scalar: Scalar.random(using: &random) * factor, point: blindingBase)
      }
      return { consume(RistrettoPoint.multiscalar(terms)) }
    },
    .init(name: "Scalar.inverted, 1 against random", factor: 10) { isSecond, random in
      let drawn = Scalar.random(using: &random)
      let secret = Scalar.one + Scalar(UInt128(mask(isSecond) & 1)) * (drawn - .one)
      return { consume(secret.inverted()) }
    },
  ]

  static let canaries: [TimedOperation] = [
    .init(name: "canary: multiplied in variable time, 0 against 2^64 - 1", factor: 10) {
      isSecond,
      _ in
      let scalar = Scalar(UInt128(mask(isSecond)))
      return { consume(RistrettoPoint.multiscalarVartime([(scalar, blindingBase)])) }
    },
    .init(name: "canary: a commitment, and one addition more where a bit is 1", factor: 10) {
      isSecond,
      _ in
      let value = mask(isSecond)
      return {
        let commitment = Pedersen.commit(value, blinding: blinding)
        consume(value & 1 == 1 ? commitment + blindingBase : commitment)
      }
    },
  ]

  /// Values all 0 against all 2^64 - 1.
  private static func proof(values: Int) -> TimedOperation {
    .init(name: "prove \(values), 0 against 2^64 - 1", factor: 1) { isSecond, random in
      let value = mask(isSecond)
      let openings = (0..<values).map { _ in Opening(value: value, blinding: blinding) }
      let transcript = MerlinTranscript(label: "timing")
      var random = SplitMix64(seed: random.next())
      return {
        do throws(RangeProofFailure) {
          consume(try RangeProof.prove(openings, transcript: transcript, using: &random))
        } catch {
          preconditionFailure("no proof: \(error)")
        }
      }
    }
  }

  /// The same in both classes.
  private static let blinding = Scalar(UInt128.max) * Scalar(UInt128.max)
  private static let blindingBase = Pedersen.blindingBase

  /// All ones in the second class, by arithmetic: the classes' arguments are made alike.
  private static func mask(_ isSecond: Bool) -> UInt64 { 0 &- (isSecond ? 1 : 0) }
}

extension SystemRandomNumberGenerator {
  fileprivate static var word: UInt64 {
    var system = Self()
    return system.next()
  }
}

/// Time that this thread had the processor, so that other programs count less.
private func threadNanoseconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}
