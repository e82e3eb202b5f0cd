-- KEYS: the index of a user. ARGV: handle, expires at (ms), vanishes at (ms), slack (ms).
-- Answers 1. Forward only: an update that is refused must not shorten what stands there.
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
local clock = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', clock[1] * 1000 - ARGV[4])
local left = redis.call('PTTL', KEYS[1])
if left < ARGV[3] - clock[1] * 1000 then redis.call('PEXPIREAT', KEYS[1], ARGV[3]) end
return 1
