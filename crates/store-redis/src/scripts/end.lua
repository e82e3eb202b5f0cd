-- KEYS: entry. ARGV: expected version or nothing, now (ms), tombstone, vanishes at (ms), channel, event.
-- Answers 1 and the user's bytes if it ended one, 2 ended before, 0 conflict, -1 absent.
-- What had ended before is written again, as it is: a master that may not write must not vouch for it, and replicas can
-- be waited for.
local head = redis.call('GETRANGE', KEYS[1], 0, 26)
if head == '' then return {-1} end
if #head < 27 then return redis.error_reply('UNREADABLE the entry has no head') end
if struct.unpack('>i8', head, 10) <= tonumber(ARGV[2]) then return {-1} end
local kind = string.sub(head, 1, 1)
if kind == 'E' then
  redis.call('SETRANGE', KEYS[1], 0, kind)
  return {2}
end
if kind ~= 'L' then return redis.error_reply('UNREADABLE the entry has no head') end
if ARGV[1] ~= '' and string.sub(head, 2, 9) ~= ARGV[1] then return {0} end
local user = ''
local length = struct.unpack('>I2', head, 26)
if length > 0 and length < 65535 then user = redis.call('GETRANGE', KEYS[1], 27, 26 + length) end
redis.call('PUBLISH', ARGV[5], ARGV[6])
redis.call('SET', KEYS[1], ARGV[3], 'PXAT', ARGV[4])
return {1, user}
