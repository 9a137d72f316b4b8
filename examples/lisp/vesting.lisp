; Money that becomes its beneficiary's bit by bit: nothing before `cliff`, all of it from `end` on.
(contract (vesting beneficiary start cliff end)
  (slot funded 0u)
  (slot claimed 0u)
  (init (require (and (<= start cliff) (<= cliff end) (< start end)) 'order-of-heights))

  (define (vested)
    (cond
      ((< height cliff) 0u)
      ((>= height end) funded)
      (else (muldiv funded (- height start) (- end start)))))

  (on (receive) (set! funded (+ funded value)))

  (define (claim)
    (let ((due (- (vested) claimed)))
      (require (> due 0) 'nothing-due)
      (set! claimed (+ claimed due))
      (pay beneficiary due)
      due))

  (on (claim)
    (require (equal? caller beneficiary) 'only-the-beneficiary)
    (claim))

  ; A key that the beneficiary, being a contract, may hand to others: they can make the payment
  ; happen, not change where it goes.
  (only (claim-for-beneficiary) (claim))

  (on (key)
    (require (equal? caller beneficiary) 'only-the-beneficiary)
    (facet self '(claim-for-beneficiary)))

  (view (due) (- (vested) claimed)))
