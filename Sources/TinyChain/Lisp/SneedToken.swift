/// The genesis contract, the only view of the chain's own coins and the only way to mint them.
///
/// Its parameters: the address that may mint, or `#f`, and the supply allocated at genesis. The
/// protocol asks it `(reward producer n)` for each block, as the account zero.
public enum SneedToken {
  public static let address = Address(contractBy: .zero, nonce: 0)

  public static let source = """
    ; The genesis contract: the only way to see and to mint the chain's own coins.
    ; `minter` may mint; #f on a network where nobody does. `supply` is what was allocated at genesis.
    (contract (sneed minter supply)
      (define protocol @0000000000000000000000000000000000000000)

      (define (issue to n)
        (set! supply (+ supply n))
        (mint! to n)
        (emit 'minted to n))

      ; The protocol itself asks this for each block.
      (on (reward producer n)
        (require (equal? caller protocol) 'only-the-protocol)
        (issue producer n))

      (on (mint to n)
        (require (equal? caller minter) 'only-the-minter)
        (issue to n))

      ; Passes on the coins that came with the message.
      (on (transfer to)
        (pay to value)
        (emit 'transferred caller to value))

      (view (balance who) (balance-of who))
      (view (total) supply))

    """
}
