import Glibc
import Service
import TinyChain

/// Programs in Lisp that last some milliseconds each, metered at every step.
private let programs: [(name: String, source: String)] = [
  (
    "recursion, integers",
    "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (fib 25)"
  ),
  ("a loop, integers", "(let l ((i 0) (x 0)) (if (= i 500000) x (l (+ i 1) (+ x i))))"),
  ("a loop, amounts", "(let l ((i 0) (x 1u)) (if (= i 200000) x (l (+ i 1) (+ x 5u))))"),
  (
    "lists, made and walked",
    """
    (define (make) (let l ((i 0) (x '())) (if (= i 3000) x (l (+ i 1) (cons i x)))))
    (define (sum x) (let l ((x x) (s 0)) (if (null? x) s (l (cdr x) (+ s (car x))))))
    (let l ((i 0)) (if (= i 60) 0 (begin (sum (make)) (l (+ i 1)))))
    """
  ),
  (
    "closures",
    """
    (define (adder n) (lambda (x) (+ x n)))
    (let l ((i 0) (x 0)) (if (= i 200000) x (l (+ i 1) ((adder i) x))))
    """
  ),
  (
    "byte strings",
    """
    (let l ((i 0) (x #x00))
      (if (= i 100000) x (l (+ i 1) (slice (concat x #x0102) 1 2))))
    """
  ),
]

/// Steps a second of each program, the fastest of seven runs, in time of this thread.
func benchmarkLisp() throws {
  let gas = UInt64(1) << 40
  print("Lisp, 30 M steps a second promised")
  for (name, source) in programs {
    let program: LispProgram
    do {
      program = try LispProgram(source: Array(source.utf8))
    } catch {
      throw CommandFailure("\(name): \(error)")
    }
    let run = program.run(gas: gas)
    guard case .success = run.result else { throw CommandFailure("\(name) fails") }
    var figure = Figure(per: Int(run.steps))
    for _ in 0..<7 { figure.measureThread { _ = program.run(gas: gas) } }
    let best = figure.quantile(0)
    let perGas = best * Double(run.steps) / Double(gas - run.gasLeft)
    report("  " + name, "\(decimal(1e3 / best)) M steps a second, \(decimal(perGas)) ns a gas")
  }
}
