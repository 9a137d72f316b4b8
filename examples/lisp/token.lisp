; A token: balances that move, and allowances for others to move them.
(contract (token owner supply)
  (table balances)
  (table allowances)
  (init (put! balances owner (amount supply)))

  (define (balance who) (get balances who 0u))

  ; An amount never goes below zero: to move more than there is fails, and undoes everything.
  (define (move from to n)
    (put! balances from (- (balance from) n))
    (put! balances to (+ (balance to) n))
    (emit 'transferred from to n))

  (on (transfer to n) (move caller to n))

  (on (approve spender n)
    (put! allowances (list caller spender) (amount n)))

  (on (transfer-from from to n)
    (let ((key (list from caller)))
      (put! allowances key (- (get allowances key 0u) n))
      (move from to n)))

  (view (balance who) (balance who))
  (view (allowance from spender) (get allowances (list from spender) 0u))
  (view (total) (amount supply)))
