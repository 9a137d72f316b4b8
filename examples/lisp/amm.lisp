; A market between the chain's coins and a token: coins x tokens never falls (a 0.3 % fee stays).
(contract (amm token)
  (slot coins 0u)
  (slot tokens 0u)
  (slot shares 0u)
  (table holders)

  (define (held who) (get holders who 0u))

  ; What `paid` of one side buys of the other.
  (define (bought paid from to)
    (let ((counted (* (amount paid) 997)))
      (muldiv to counted (+ (* from 1000) counted))))

  ; The coins come with the message; of the caller's tokens it takes as many as the price asks for,
  ; `tokens-max` at most. The first one sets the price.
  (on (add tokens-max)
    (let ((first (= shares 0)))
      (let ((taken (if first (amount tokens-max) (+ 1 (muldiv value tokens coins))))
            (minted (if first (amount value) (muldiv value shares coins))))
        (require (> minted 0) 'too-little)
        (require (<= taken tokens-max) 'price-moved)
        (set! coins (+ coins value))
        (set! tokens (+ tokens taken))
        (set! shares (+ shares minted))
        (put! holders caller (+ (held caller) minted))
        (send token 'transfer-from caller self taken)
        minted)))

  (on (remove n)
    (let ((coins-out (muldiv n coins shares)) (tokens-out (muldiv n tokens shares)))
      (put! holders caller (- (held caller) n))
      (set! shares (- shares n))
      (set! coins (- coins coins-out))
      (set! tokens (- tokens tokens-out))
      (pay caller coins-out)
      (send token 'transfer caller tokens-out)
      (list coins-out tokens-out)))

  (on (sell-coins tokens-min)
    (let ((out (bought value coins tokens)))
      (require (>= out tokens-min) 'price-moved)
      (set! coins (+ coins value))
      (set! tokens (- tokens out))
      (send token 'transfer caller out)
      out))

  (on (sell-tokens n coins-min)
    (let ((out (bought n tokens coins)))
      (require (>= out coins-min) 'price-moved)
      (set! tokens (+ tokens n))
      (set! coins (- coins out))
      (send token 'transfer-from caller self n)
      (pay caller out)
      out))

  (view (reserves) (list coins tokens shares))
  (view (shares-of who) (held who)))
