-- Gives a place back. KEYS: the set. ARGV: holder. Answers 1 when it was held.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value then
  return 0
end
redis.call('HDEL', KEYS[1], ARGV[1])
return tonumber(string.match(value, ' (%d+)$')) > now and 1 or 0
