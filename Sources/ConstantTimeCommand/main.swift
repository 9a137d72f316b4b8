import Curve25519
import Glibc

// Looks for timing that depends on secrets, in two ways that complete each other: docs/TESTING.md.
//
// A program of its own, not a command of `trellis`, for valgrind's sake: 3.19 breaks down where an
// asynchronous `main` hands the main thread to libdispatch. And its symbols are kept, so that reports
// name functions.

let usage = """
  Usage: ConstantTimeCommand memcheck [--canary]
         ConstantTimeCommand timing [--canary] [--samples <count>]

  memcheck   marks secrets as undefined and counts branches on them; under valgrind only, as
             scripts/constant-time runs it
  timing     compares the times of two classes of secrets by Welch's t-test

  --canary   runs operations that leak on purpose; succeeds if each is found
  --samples  how often a proof is made, 1000 to 10000000, default 4000; cheaper operations run ten
             times as often

  KERNELS=portable|avx2|avx512 in the environment chooses the path.

  """

/// What the words of the command line ask for; nil if they make no sense.
func succeeds(_ words: [String]) -> Bool? {
  var samples = 4_000
  var isCanary = false
  var rest = words.dropFirst()
  while let word = rest.popFirst() {
    switch word {
    case "--canary": isCanary = true
    case "--samples":
      guard let count = rest.popFirst().flatMap({ Int($0) }) else { return nil }
      guard (1_000...10_000_000).contains(count) else { return nil }
      samples = count
    default: return nil
    }
  }
  switch words.first {
  case "memcheck": return checkMarkedSecrets(canary: isCanary)
  case "timing": return checkTiming(samples: samples, canary: isCanary)
  default: return nil
  }
}

if let refusal = ArithmeticPath.problem {
  print(refusal)
  exit(2)
}
print("path: \(ArithmeticPath.best)")
guard let isRight = succeeds(Array(CommandLine.arguments.dropFirst())) else {
  print(usage, terminator: "")
  exit(2)
}
exit(isRight ? 0 : 1)
