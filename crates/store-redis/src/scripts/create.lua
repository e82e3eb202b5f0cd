-- KEYS: entry. ARGV: value, vanishes at (ms), channel, event. Publishes before it writes: either both or nothing.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('PUBLISH', ARGV[3], ARGV[4])
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[2])
return 1
