-- Takes or renews a place. KEYS: the set, a hash of holder -> "<order of grant> <expiry in milliseconds>".
-- ARGV: holder, capacity, time to live in milliseconds, "drop" or "refuse".
-- Answers: granted, live holders, milliseconds to retry, and the holder that was dropped, if any.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder, capacity, ttl, takeover = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local live, newest, oldest, oldest_order, first_free, last, held = 0, 0, nil, nil, nil, now, false
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local order, expiry = string.match(fields[i + 1], '^(%d+) (%d+)$')
  order, expiry = tonumber(order), tonumber(expiry)
  if expiry <= now then
    redis.call('HDEL', KEYS[1], fields[i])
  else
    live = live + 1
    newest = math.max(newest, order)
    last = math.max(last, expiry)
    if fields[i] == holder then
      held = { order = order, expiry = expiry }
    end
    if not oldest_order or order < oldest_order then
      oldest, oldest_order = fields[i], order
    end
    if not first_free or expiry < first_free then
      first_free = expiry
    end
  end
end
local dropped = false
local order = newest + 1
local expiry = now + ttl
if held then
  order, expiry = held.order, math.max(held.expiry, expiry)
elseif live >= capacity then
  if takeover ~= 'drop' then
    return { 0, live, math.max((first_free or now) - now, 1), false }
  end
  dropped = oldest
  redis.call('HDEL', KEYS[1], oldest)
else
  live = live + 1
end
redis.call('HSET', KEYS[1], holder, string.format('%d %d', order, expiry))
redis.call('PEXPIREAT', KEYS[1], math.max(last, expiry))
return { 1, live, 0, dropped }
