-- KEYS: entry. ARGV: expected version, now (ms), value, vanishes at (ms), channel, event.
-- Answers 1 updated, 0 conflict, -1 gone. What was seen stays: it is copied into the new value.
local head = redis.call('GETRANGE', KEYS[1], 0, 26)
if head == '' or string.sub(head, 1, 1) == 'E' then return -1 end
if #head < 27 or string.sub(head, 1, 1) ~= 'L' then return redis.error_reply('UNREADABLE the entry has no head') end
if struct.unpack('>i8', head, 10) <= tonumber(ARGV[2]) then return -1 end
if string.sub(head, 2, 9) ~= ARGV[1] then return 0 end
redis.call('PUBLISH', ARGV[5], ARGV[6])
local value = string.sub(ARGV[3], 1, 17) .. string.sub(head, 18, 25) .. string.sub(ARGV[3], 26)
redis.call('SET', KEYS[1], value, 'PXAT', ARGV[4])
return 1
