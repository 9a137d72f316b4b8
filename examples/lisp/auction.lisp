; An auction: the highest bid before a height wins; who was outbid takes the money back.
(contract (auction seller end)
  (slot leader #f)
  (slot highest 0)
  (slot closed #f)
  (table refunds)

  (on (bid)
    (require (< height end) 'over)
    (require (> value highest) 'too-low)
    (if leader (put! refunds leader (+ (get refunds leader 0) highest)) #f)
    (set! leader caller)
    (set! highest value)
    (emit 'bid caller value))

  ; To be asked for, rather than sent: a bidder that refuses money could stop the auction.
  (on (withdraw)
    (let ((n (get refunds caller 0)))
      (require (> n 0) 'nothing-to-withdraw)
      (delete! refunds caller)
      (pay caller n)
      n))

  (on (close)
    (require (>= height end) 'too-early)
    (require (not closed) 'closed)
    (set! closed #t)
    (if leader (pay seller highest) #f)
    (emit 'closed leader highest)
    leader)

  (view (leading) (list leader highest)))
