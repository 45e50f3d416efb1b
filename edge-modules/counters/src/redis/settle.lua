-- Charges what a node admitted by itself, whether there was room or not, and answers where the quota stands.
-- KEYS: a quota. ARGV: interval in microseconds, burst, units taken. A debt beyond 16 bursts is forgiven.
local time = redis.call('TIME')
local now = (time[1] - 1735689600) * 1000000 + time[2]
local interval, burst, taken = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local used = math.max(tonumber(redis.call('GET', KEYS[1]) or 0) - now, 0)
used = math.min(used + interval * taken, 16 * interval * burst)
if taken > 0 and used > 0 then
  redis.call('SET', KEYS[1], string.format('%.17g', now + used), 'PX', math.ceil(used / 1000) + 1)
end
return math.ceil(used)
