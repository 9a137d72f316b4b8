# A guessing game. The first call sets the secret, a byte; each later one guesses, and is told
# 'low', 'high' or 'found'. Who finds it ends the game: the next call sets a new secret.
stored isSet secret
cell guess left right isOver

skip 34
input guess

copy isSet isOver
ifnot isOver
  copy guess secret
  set isSet 1
  answer "set"
end

# Both are counted down together: the one that is left is the greater.
copy guess left
copy secret right
cell turn both
set turn 1
while turn
  set both 0
  if left
    if right
      set both 1
    end
  end
  ifnot both
    set turn 0
  end
  if both
    subtract left 1
    subtract right 1
  end
end
if left
  answer "high"
end
if right
  answer "low"
end
set isSet 0
set secret 0
answer "found"
