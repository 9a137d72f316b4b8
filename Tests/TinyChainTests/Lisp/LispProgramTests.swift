import Kernel
import Testing

@testable import TinyChain

@Suite("Lisp programs")
struct LispProgramTests {
  @Test(
    "An expression has its value",
    arguments: [
      ("", "()"), ("5", "5"), ("-9223372036854775808", "-9223372036854775808"),
      ("(+ 1 2 3)", "6"), ("(- 10 1 2)", "7"), ("(* 2 3 4)", "24"), ("(/ -7 2)", "-3"),
      ("(% -7 2)", "-1"), ("(+ 1 5u)", "6u"), ("(< 5u 6)", "#t"), ("(= 5u 5)", "#t"),
      (
        "(muldiv 340282366920938463463374607431768211455u 10 20)",
        "170141183460469231731687303715884105727u"
      ),
      ("(integer 5u)", "5"), ("(amount 5)", "5u"),
      ("'(a \"b\\n\" #x0a (#t) ())", "(a \"b\\n\" #x0a (#t) ())"), ("''a", "(quote a)"),
      ("(if #f 1 2)", "2"), ("(if '() 1 2)", "1"), ("(and)", "#t"), ("(or)", "#f"),
      ("(and 1 2)", "2"), ("(and 1 #f 3)", "#f"), ("(or #f 3 4)", "3"), ("(or #f #f)", "#f"),
      ("(cond (#f 1) ((= 1 1) 2 3) (else 4))", "3"), ("(cond (#f 1) (else 4 5))", "5"),
      ("(let ((x 1) (y 2)) (let ((x y) (y x)) (list x y)))", "(2 1)"),
      ("(define (f x) (* x x)) (f 7)", "49"), ("(begin 1 2 3)", "3"),
      ("(define x 1) (set! x (+ x 1)) x", "2"),
      ("((lambda (x) (set! x (+ x 1)) x) 4)", "5"),
      (
        "(define (counter) (let ((n 0)) (lambda () (set! n (+ n 1)) n)))"
          + "(define a (counter)) (define b (counter)) (a) (a) (list (a) (b))", "(3 1)"
      ),
      (
        "(define (even n) (if (= n 0) #t (odd (- n 1))))"
          + "(define (odd n) (if (= n 0) #f (even (- n 1)))) (even 10001)", "#f"
      ),
      ("(define (f n) (define (g k) (if (= k 0) n (g (- k 1)))) (g 5)) (f 3)", "3"),
      ("(let loop ((i 0) (sum 0)) (if (= i 100000) sum (loop (+ i 1) (+ sum i))))", "4999950000"),
      ("(define (add a) (lambda (b) (lambda (c) (list a b c)))) (((add 1) 2) 3)", "(1 2 3)"),
      ("(let ((x 1)) (let ((f (lambda () x))) (set! x 2) (f)))", "2"),
      ("(cons 1 (cdr (list 2 3)))", "(1 3)"), ("(length '(1 2 3))", "3"), ("(length #x0102)", "2"),
      ("(concat \"a\" \"b\")", "\"ab\""), ("(slice #x010203 1 3)", "#x0203"),
      ("(byte #xff 0)", "255"),
      ("(bytes \"A\")", "#x41"), ("(equal? '(1 (2 \"x\")) (list 1 (list 2 \"x\")))", "#t"),
      ("(equal? 5 5u)", "#f"), ("(type 'x)", "symbol"), ("(type (lambda () 1))", "procedure"),
      ("(sha256 #x)", "#xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("(address (bytes self))", "@0000000000000000000000000000000000000000"),
      ("(let ((list (lambda (x) x))) (list 5))", "5"),
      ("(define list-of (lambda (a b) (list a b))) (+ 1 (let ((a 1) (b 2)) (* a (+ b 3))))", "6"),
      (
        "(list (let ((a 1)) (define b 2) (+ a b)) (let l ((i 3)) (if (= i 0) 'z (l (- i 1)))))",
        "(3 z)"
      ),
    ]
  )
  func values(source: String, value: String) {
    #expect(run(source) == value)
  }

  @Test(
    "A fault says where it is and what was expected",
    arguments: [
      ("(+ 1\n  (car 5))", "line 2, column 3: expected a list that is not empty"),
      ("(", "line 1, column 1: expected a ) for this ("),
      (")", "line 1, column 1: expected a form"),
      ("007", "line 1, column 1: expected a number in range, or a symbol"),
      ("+5", "line 1, column 1: expected a number in range, or a symbol"),
      ("9223372036854775808", "line 1, column 1: expected a number in range, or a symbol"),
      ("#xA0", "line 1, column 1: expected #t, #f or #x with lower-case hex digits"),
      ("@00", "line 1, column 1: expected 40 lower-case hex digits after @"),
      ("\"a", "line 1, column 1: expected a \" for this \""),
      ("\"\\t\"", "line 1, column 3: expected n, \\ or \" after \\"),
      ("\t1", "line 1, column 1: expected a form"),
      ("()", "line 1, column 1: expected a form; '() is the empty list"),
      ("(f)", "line 1, column 2: f is not defined"), ("x", "line 1, column 1: x is not defined"),
      ("(if 1 2)", "line 1, column 1: expected a well-formed if, in its place"),
      ("(define if 1)", "line 1, column 9: expected a name that is not reserved"),
      ("(define x 1) (define x 2)", "line 1, column 22: expected a name not yet defined"),
      ("(lambda (x x) 1)", "line 1, column 1: expected distinct parameters"),
      ("(car)", "line 1, column 1: expected 1 arguments of car"),
      ("(+ 9223372036854775807 1)", "line 1, column 1: a number is out of range"),
      ("(/ 1 0)", "line 1, column 1: a number is out of range"),
      ("(/ -9223372036854775808 -1)", "line 1, column 1: a number is out of range"),
      ("(- 1u 2)", "line 1, column 1: a number is out of range"),
      ("(muldiv 1 1 0)", "line 1, column 1: a number is out of range"),
      (
        "(define (f) y) (define y (f))",
        "line 1, column 13: a variable is used before its definition"
      ),
      (
        "(let () (define a b) (define b 1) a)",
        "line 1, column 19: a variable is used before its definition"
      ),
      ("((lambda (x) x))", "line 1, column 1: expected 1 arguments"),
      ("(5)", "line 1, column 1: expected a procedure"),
      ("(cons 1 2)", "line 1, column 1: expected a list to put a value in front of"),
      ("(cond (#f 1))", "line 1, column 1: failed: \"no clause of cond holds\""),
      ("(fail '(a 1))", "line 1, column 1: failed: (a 1)"),
      ("(define (f) (+ 1 (f))) (f)", "line 1, column 18: too much recursion"),
      ("(let l () (l))", "line 1, column 12: out of gas"),
      ("(lambda (x) x)", "expected a value that can be sent or kept, not a procedure or table"),
    ]
  )
  func faults(source: String, reason: String) {
    #expect(run(source, gas: 100_000) == reason)
  }

  @Test("A program that allocates for ever runs in little memory, and one that keeps it all stops")
  func memory() {
    let garbage = "(let l ((i 0) (x '())) (if (= i 200000) 'done (l (+ i 1) (list i i i i))))"
    #expect(run(garbage) == "done")
    let hoard = "(let l ((x '())) (l (cons 1 x)))"
    #expect(run(hoard).hasSuffix("too much memory"))
    let bytes = "(let l ((x #x00)) (l (concat x x)))"
    #expect(run(bytes).hasSuffix("too much memory"))
  }

  @Test("What lives is whole after collections")
  func collection() {
    let source = """
      (define (range n) (let l ((i n) (x '())) (if (= i 0) x (l (- i 1) (cons (list i (amount i) "s") x)))))
      (define (sum x) (let l ((x x) (s 0u)) (if (null? x) s (l (cdr x) (+ s (car (cdr (car x))))))))
      (define kept (range 1000))
      (define (count) (let ((n 0)) (lambda () (set! n (+ n 1)) n)))
      (define c (count))
      (let l ((i 0)) (if (= i 100) (list (sum kept) (c)) (begin (c) (range 100) (l (+ i 1)))))
      """
    #expect(run(source) == "(500500u 101)")
  }
}
