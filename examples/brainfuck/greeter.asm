# Greets whoever is named in the call's data, up to 247 bytes: an event of the name's
# length, and "Hello, NAME!" as its answer.
cell length zero letter
skip 32
input length
skip 1
event length
add length 8        # "Hello, " and "!"
write 0 length zero "Hello, "
subtract length 8
while length
  input letter
  write letter
  subtract length 1
end
write "!"
