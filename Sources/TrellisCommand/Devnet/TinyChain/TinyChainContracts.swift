/// What the story deploys, small enough to stand here.
enum TinyChainContracts {
  /// Counts its calls, and answers how many there were: two bytes, the lower first.
  static let counter = """
    stored low high

    add low 1
    ifnot low
      add high 1
    end
    answer low high
    """

  static let token = """
    (contract (token owner supply)
      (table balances)
      (init (put! balances owner (amount supply)))
      (define (balance who) (get balances who 0u))
      (on (transfer to n)
        (put! balances caller (- (balance caller) n))
        (put! balances to (+ (balance to) n))
        (emit 'transferred caller to n))
      (view (balance who) (balance who)))
    """

  /// Calls both: a sale is counted, and paid for.
  static let till = """
    (contract (till counter token)
      (on (sell to n)
        (send counter #x)
        (send token 'transfer to n)))
    """
}
