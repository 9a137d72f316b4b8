; Money that moves when enough of its owners agree.
(contract (multisig owners threshold)
  (slot next 0)
  (table proposals)
  (table approvals)

  (define (member? who names)
    (and (not (null? names))
         (or (equal? who (car names)) (member? who (cdr names)))))

  ; A proposal is (to n message approvals); message is a list, empty for a plain payment.
  (define (approve id who to n message count)
    (require (member? who owners) 'only-owners)
    (require (not (get approvals (list id who) #f)) 'approved-already)
    (put! approvals (list id who) #t)
    (cond
      ((< count threshold) (put! proposals id (list to n message count)) #f)
      (else
        (delete! proposals id)
        (emit 'executed id)
        (if (null? message) (pay to n) (pay to n (car message) (car (cdr message))))
        #t)))

  (on (receive) #t)

  (on (propose to n message)
    (let ((id next))
      (set! next (+ id 1))
      (approve id caller to n message 1)
      id))

  (on (approve id)
    (let ((p (get proposals id '())))
      (require (not (null? p)) 'no-such-proposal)
      (let ((to (car p)) (n (car (cdr p))) (rest (cdr (cdr p))))
        (approve id caller to n (car rest) (+ 1 (car (cdr rest)))))))

  (view (proposal id) (get proposals id #f)))
