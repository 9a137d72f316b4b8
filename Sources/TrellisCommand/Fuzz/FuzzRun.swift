import Glibc
import Service
import Simulation

/// Runs one target of `FuzzTargets`, or every one if `name` is "all", and prints a line for each.
///
/// - Parameters:
///   - name: of the target.
///   - seed: equal seeds give equal cases.
///   - cases: how many for each target, from the first.
/// - Returns: whether all cases held.
func runFuzz(name: String, seed: UInt64, cases: UInt64) -> Bool {
  let targets = FuzzTargets.all.filter { name == "all" || $0.name == name }
  reportTraps()
  var failures = 0
  for target in targets {
    let label = Array("\nfuzz: trap in \(target.name), seed \(seed), case ".utf8)
    trapLabel = label.withUnsafeBytes { bytes in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
      copy.copyMemory(from: bytes)
      return UnsafeRawBufferPointer(copy)
    }
    let cases = max(cases / target.cost, min(cases, 100))
    do throws(FuzzFailure) {
      let accepted = try Fuzzer(target, seed: seed).run(cases: 0..<cases) { trapCase = $0 }
      Terminal.standard.print("ok   \(target.name): \(cases) cases, \(accepted) accepted\n")
    } catch {
      failures += 1
      Terminal.standard.print("FAIL \(error)\n")
    }
    trapLabel?.deallocate()
    trapLabel = nil
  }
  return failures == 0
}

// What the signal handler prints if a decoder traps. Unsafe, and sound: written and read by the one
// thread that fuzzes, whose own trap is what calls the handler.
nonisolated(unsafe) private var trapLabel: UnsafeRawBufferPointer?
nonisolated(unsafe) private var trapCase: UInt64 = 0

/// Names the case that trapped, with calls that a signal handler may make, and lets the trap go on.
private func reportTraps() {
  for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT] {
    signal(number) { number in
      if let label = trapLabel { _ = write(2, label.baseAddress, label.count) }
      var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)  // 24 bytes: up to 20 digits and a newline
      withUnsafeMutableBytes(of: &digits) { text in
        text[23] = UInt8(ascii: "\n")
        var first = 23
        var rest = trapCase
        repeat {
          first -= 1
          text[first] = UInt8(ascii: "0") + UInt8(rest % 10)
          rest /= 10
        } while rest > 0
        _ = write(2, text.baseAddress?.advanced(by: first), 24 - first)
      }
      signal(number, SIG_DFL)
      raise(number)
    }
  }
}
