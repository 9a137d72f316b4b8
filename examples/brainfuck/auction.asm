# An auction. The first call opens it, and its caller is the seller. Each later one bids the coins
# that come with it, up to 65,535, and who was outbid gets the money back at once. When the seller
# calls with 'e', the highest bid is the seller's and the auction is over; the next call opens another.
stored caller*20 seller*20 leader*20
stored highest*2 isOpen isLed
cell value*8 command left right isHigher reply

input caller
input value
skip 6
input command

ifnot isOpen
  copy caller seller
  set isOpen 1
  answer "open"
end

ifequal command 'e'
  ifsame caller seller
    set isOpen 0
    if isLed
      set isLed 0
      write 3 seller highest 0 0 0 0 0 0
      input reply
      event "sold " leader highest
      set highest.0 0
      set highest.1 0
      answer leader
    end
    answer "nobody"
  end
  revert "only the seller ends it"
end

if value.2
  revert "too high"
end
if value.3
  revert "too high"
end
if value.4
  revert "too high"
end
if value.5
  revert "too high"
end
if value.6
  revert "too high"
end
if value.7
  revert "too high"
end

# Both high bytes are counted down together; if they are equal, both low ones.
copy highest.1 left
copy value.1 right
while right
  ifnot left
    set isHigher 1
    set right 1
  end
  if left
    subtract left 1
  end
  subtract right 1
end
if left
  revert "too low"
end
ifnot isHigher
  copy highest.0 left
  copy value.0 right
  while right
    ifnot left
      set isHigher 1
      set right 1
    end
    if left
      subtract left 1
    end
    subtract right 1
  end
end
ifnot isHigher
  revert "too low"
end

if isLed
  write 3 leader highest 0 0 0 0 0 0
  input reply
end
set isLed 1
copy caller leader
copy value.0 highest.0
copy value.1 highest.1
event "bid " leader highest
answer "leading"
