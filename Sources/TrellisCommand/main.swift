import Glibc

// trellis fuzz NAME|all SEED CASES
// trellis bench-work
let arguments = CommandLine.arguments
if arguments.count == 5, arguments[1] == "fuzz", let seed = UInt64(arguments[3]),
  let cases = UInt64(arguments[4])
{
  exit(runFuzz(name: arguments[2], seed: seed, cases: cases) ? 0 : 1)
}
if arguments.dropFirst() == ["bench-work"] {
  benchmarkWork()
  exit(0)
}
print("not built yet")
