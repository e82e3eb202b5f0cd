-- KEYS: entries. ARGV: for each its time as stored. Forward only, in place, and nothing where nothing lives.
for at, key in ipairs(KEYS) do
  local head = redis.call('GETRANGE', key, 0, 24)
  if #head == 25 and string.sub(head, 1, 1) == 'L'
    and struct.unpack('>i8', head, 18) < struct.unpack('>i8', ARGV[at]) then
    redis.call('SETRANGE', key, 17, ARGV[at])
  end
end
return 0
