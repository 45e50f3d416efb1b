-- Draws from every quota (KEYS) or from none. ARGV: interval in microseconds, burst and cost of each.
-- Times are microseconds since 2025, so that a double keeps them to about ten nanoseconds.
-- Answers four integers for each quota: allowed, remaining, microseconds to retry (-1: never) and to reset.
local time = redis.call('TIME')
local now = (time[1] - 1735689600) * 1000000 + time[2]
local before, tats, states, all = {}, {}, {}, true
for i, key in ipairs(KEYS) do
  local interval, burst, cost = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local tolerance = interval * burst
  if not before[key] then
    before[key] = tonumber(redis.call('GET', key) or 0)
  end
  local used = math.min(math.max((tats[key] or before[key]) - now, 0), tolerance)
  local wanted = used + interval * cost
  -- Half a microsecond of grace: sums of doubles must not cost a client its last unit.
  local allowed = wanted <= tolerance + 0.5
  states[i] = { allowed = allowed, interval = interval, cost = cost, tolerance = tolerance, used = used }
  if allowed then
    states[i].used = wanted
    tats[key] = now + wanted
  else
    all = false
    states[i].retry = interval * cost <= tolerance and math.ceil(wanted - tolerance) or -1
  end
end
local answer = {}
for i, key in ipairs(KEYS) do
  local state = states[i]
  if all then
    if state.cost > 0 then
      redis.call('SET', key, string.format('%.17g', tats[key]), 'PX', math.ceil((tats[key] - now) / 1000) + 1)
    end
  elseif state.allowed then
    state.used = math.min(math.max(before[key] - now, 0), state.tolerance)
  end
  local remaining = math.floor((state.tolerance - state.used) / state.interval + 0.000001)
  answer[#answer + 1] = state.allowed and 1 or 0
  answer[#answer + 1] = math.max(remaining, 0)
  answer[#answer + 1] = state.retry or 0
  answer[#answer + 1] = math.ceil(state.used)
end
return answer
