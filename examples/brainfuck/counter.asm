# Counts its calls, and answers how many there were: two bytes, the lower first.
stored low high

add low 1
ifnot low
  add high 1
end
answer low high
