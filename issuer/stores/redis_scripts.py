"""What Redis does in one step, each a Lua script.

All begin alike: is there still time, and is the memory the one that the asker knows? Numbers that
identify the asker's knowledge are taken down before sending, so an answer that is missing from
the memory proves that it went back in time.
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

_BEGIN = """
local now, known, seen, mark, fresh, last_call = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]),
    tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local time = redis.call('TIME')
local at = time[1] * 1000 + math.floor(time[2] / 1000)
local id, since, writes, marked = '', 0, 0, 0

local function answer(status, ...)
    return {status, id, since, writes, marked, at, ...}
end

-- Whoever asked has given up by now, and told its client that nothing was done.
if at > last_call then return answer('late') end

local memory = redis.call('HMGET', KEYS[1], 'id', 'since', 'writes')
local function begin(instant)
    id, since, writes = fresh, instant, 0
    redis.call('HSET', KEYS[1], 'id', id, 'since', since, 'writes', writes)
end
if not memory[1] then
    -- What was issued in this very second may have been spent before the memory was lost. Whoever
    -- knows of none before takes this for the first.
    begin(known == '' and now or now + 1)
else
    id, since, writes = memory[1], tonumber(memory[2]), tonumber(memory[3])
    if known ~= '' and known ~= id then
        -- Another began it anew. By this one's clock, too, what is older is not vouched for.
        if since <= now then
            since = now + 1
            redis.call('HSET', KEYS[1], 'since', since)
        end
    elseif writes < seen or (mark > 0 and (tonumber(redis.call('GET', KEYS[2])) or 0) < mark) then
        begin(math.max(since, now + 1))
    end
end

local function wrote()
    writes = redis.call('HINCRBY', KEYS[1], 'writes', 1)
    marked = writes
    redis.call('SET', KEYS[2], writes, 'EX', 86400)
end
"""

_USE = """
local retaught, once_since, standing_since, names = tonumber(ARGV[7]), tonumber(ARGV[8]),
    tonumber(ARGV[9]), tonumber(ARGV[10])
if once_since < since or (standing_since < since and now < since + retaught) then
    return answer('before')
end
local next = 11
for number = 1, names do
    local line = redis.call('HGET', KEYS[3], ARGV[next])
    if line and tonumber(ARGV[next + 1]) < tonumber(string.match(line, '%d+')) then
        return answer('revoked', number)
    end
    next = next + 2
end
local spent, new = {}, false
for number = 4, #KEYS do
    if redis.call('SET', KEYS[number], now, 'NX', 'PX', ARGV[next]) then
        spent[#spent + 1], new = now, true
    else
        local before = tonumber(redis.call('GET', KEYS[number]))
        local grace = tonumber(ARGV[next + 1])
        -- Without a grace no clock is asked: one that is behind would lend it some.
        if grace == 0 or now >= before + grace then
            if new then wrote() end
            return answer('spent', number - 3)
        end
        spent[#spent + 1] = before
    end
    next = next + 2
end
if new then wrote() end
return answer('ok', unpack(spent))
"""

_REVOKE = """
for expired, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('HDEL', KEYS[3], name)
    redis.call('ZREM', KEYS[4], name)
    redis.call('ZREM', KEYS[5], name)
end
for next = 7, #ARGV, 4 do
    local name, not_before, revoked_at, forget_at = ARGV[next], tonumber(ARGV[next + 1]),
        tonumber(ARGV[next + 2]), tonumber(ARGV[next + 3])
    local line = redis.call('HGET', KEYS[3], name)
    if line then
        local line_before, line_at, line_until = string.match(line, '(%d+) (%d+) (%d+)')
        if not_before <= tonumber(line_before) then
            not_before, revoked_at = tonumber(line_before), tonumber(line_at)
        end
        forget_at = math.max(forget_at, tonumber(line_until))
    end
    line = string.format('%.0f %.0f %.0f', not_before, revoked_at, forget_at)
    redis.call('HSET', KEYS[3], name, line)
    redis.call('ZADD', KEYS[4], revoked_at, name)
    redis.call('ZADD', KEYS[5], forget_at, name)
end
wrote()
return answer('ok')
"""

_REVOCATIONS = """
local found = {}
local names = redis.call('ZRANGEBYSCORE', KEYS[4], ARGV[7], '+inf', 'LIMIT', 0, ARGV[8])
for number, name in ipairs(names) do
    found[2 * number - 1], found[2 * number] = name, redis.call('HGET', KEYS[3], name)
end
return answer('ok', found)
"""

_TALLY = """
local add, forget_at, counts = tonumber(ARGV[7]), tonumber(ARGV[8]), {}
for number = 3, #KEYS do
    local count, ends = 0, 0
    local line = redis.call('GET', KEYS[number])
    if line then
        count, ends = string.match(line, '(%d+) (%d+)')
        count, ends = tonumber(count), tonumber(ends)
        if ends <= now then count, ends = 0, 0 end
    end
    if add ~= 0 then
        count, ends = math.max(count + add, 0), forget_at
        redis.call('SET', KEYS[number], string.format('%.0f %.0f', count, ends), 'PX', ARGV[9])
    end
    counts[#counts + 1], counts[#counts + 2] = count, ends
end
return answer('ok', counts)
"""

_SPENT = """
local found = {}
for number = 3, #KEYS do
    found[number - 2] = tonumber(redis.call('GET', KEYS[number])) or -1
end
return answer('ok', found)
"""

_NOTE = """
if (redis.call('GET', KEYS[3]) or '') ~= ARGV[7] then return answer('ok', 0) end
redis.call('SET', KEYS[3], ARGV[8], 'PX', ARGV[9])
wrote()
return answer('ok', 1)
"""

_NOTED = """
return answer('ok', redis.call('GET', KEYS[3]) or '')
"""

_PROBE = """
wrote()
return answer('ok')
"""

SCRIPTS: Mapping[str, str] = MappingProxyType(
    {
        "use": _BEGIN + _USE,
        "revoke": _BEGIN + _REVOKE,
        "revocations": _BEGIN + _REVOCATIONS,
        "spent": _BEGIN + _SPENT,
        "tally": _BEGIN + _TALLY,
        "note": _BEGIN + _NOTE,
        "noted": _BEGIN + _NOTED,
        "probe": _BEGIN + _PROBE,
    }
)
"""Lua, by what it does.

``KEYS`` begin with the memory and the worker's own mark; ``ARGV`` with ``now``, what
``redis.Knowledge`` tells, and until when the question counts. Answers begin with a status, the
memory's id, since when it remembers, its count of writes, the worker's new mark (or 0) and Redis'
clock in ms.
"""

DIGESTS: Mapping[str, str] = MappingProxyType(
    {name: hashlib.sha1(text.encode()).hexdigest() for name, text in SCRIPTS.items()}  # noqa: S324
)
"""By which Redis knows each (``EVALSHA``)."""
