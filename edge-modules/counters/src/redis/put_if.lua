-- Writes a value when the present one is as expected. KEYS: the value.
-- ARGV: "1" and the expected bytes or "0" and nothing, the new bytes, time to live in milliseconds (0: none).
local present = redis.call('GET', KEYS[1])
if ARGV[1] == '1' then
  if present ~= ARGV[2] then
    return 0
  end
elseif present then
  return 0
end
if ARGV[4] == '0' then
  redis.call('SET', KEYS[1], ARGV[3])
else
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
end
return 1
