# A token with room for three holders, of up to 255 pieces in all.
#
# Its data is an address and a number: the first call gives so many pieces to that address; each
# later one moves so many of the caller's there. To move 0 is to ask what the address has.
stored caller*20 first*20 second*20 third*20 to*20
stored firstHas secondHas thirdHas
stored isBegun isSecond isThird
cell amount from target left right

input caller
skip 14
input to
input amount

ifnot isBegun
  set isBegun 1
  copy to first
  copy amount firstHas
  event to amount
  answer amount
end

# Who is the address? A new one takes the next free place, if pieces come.
ifsame to first
  set target 1
end
if isSecond
  ifsame to second
    set target 2
  end
end
if isThird
  ifsame to third
    set target 3
  end
end

ifnot amount
  ifequal target 1
    answer firstHas
  end
  ifequal target 2
    answer secondHas
  end
  ifequal target 3
    answer thirdHas
  end
  answer 0
end

ifnot target
  ifnot isSecond
    set isSecond 1
    copy to second
    set target 2
  end
end
ifnot target
  ifnot isThird
    set isThird 1
    copy to third
    set target 3
  end
end
ifnot target
  revert "there is no place left"
end

# Who pays?
ifsame caller first
  set from 1
  copy firstHas left
end
if isSecond
  ifsame caller second
    set from 2
    copy secondHas left
  end
end
if isThird
  ifsame caller third
    set from 3
    copy thirdHas left
  end
end
ifnot from
  revert "the caller has none"
end

copy amount right
while right
  ifnot left
    revert "the caller has too few"
  end
  subtract left 1
  subtract right 1
end
ifequal from 1
  copy left firstHas
end
ifequal from 2
  copy left secondHas
end
ifequal from 3
  copy left thirdHas
end

copy amount right
ifequal target 1
  while right
    add firstHas 1
    subtract right 1
  end
end
ifequal target 2
  while right
    add secondHas 1
    subtract right 1
  end
end
ifequal target 3
  while right
    add thirdHas 1
    subtract right 1
  end
end
event to amount
answer amount
