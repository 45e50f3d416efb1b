-- Gives units back. KEYS: a quota. ARGV: interval in microseconds, cost.
local tat = redis.call('GET', KEYS[1])
if tat then
  redis.call('SET', KEYS[1], string.format('%.17g', tonumber(tat) - ARGV[1] * ARGV[2]), 'KEEPTTL')
end
return 1
