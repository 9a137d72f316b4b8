Multiplications: 50 * 255 rounds in which a cell is multiplied into three others
these into each other and the sum comes back
+++++[->++++++++++<]>[-<+>]<
[
 >-[
  >+++++++
  [->+>++>+++<<<]
  >[->+++++>+++++++<<]
  >[->+++<]
  >[-<<<+>>>]
  <<<<-
 ]
 <-
]
>>.
