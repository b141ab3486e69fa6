import { MAX_EPOCH, MAX_MARKS, MAX_POSITION, TAIL_LENGTH_PER_TOKEN } from './cache.ts'
import { FORMAT_VERSION, MAX_REGISTER_BYTES } from './cache-format.ts'

/*
 * The steps of protocol.md part A that must be atomic, as Redis scripts (Redis 7 or later). KEYS are the
 * register and, where one is used, the tail. JSON is written by hand around cjson's strings, because
 * cjson keeps only 14 digits of a number. What cannot be read is absent and is overwritten.
 */

const REGISTER = `
local function text(key)
  local value = redis.pcall('GET', key)
  return type(value) == 'string' and value or nil
end

-- Looked at before it is copied: a key that somebody made huge must not make each script slow.
local function short_text(key)
  local bytes = redis.pcall('STRLEN', key)
  return type(bytes) == 'number' and bytes <= ${MAX_REGISTER_BYTES} and text(key) or nil
end

local function decode(json)
  local ok, value = pcall(cjson.decode, json)
  return ok and type(value) == 'table' and value.v == ${FORMAT_VERSION} and value or nil
end

local function whole(value)
  return type(value) == 'number' and value >= 0 and value <= 9007199254740991 and value % 1 == 0
end

local function position(value)
  return whole(value) and value <= ${MAX_POSITION}
end

local function is_epoch(value)
  return whole(value) and value <= ${MAX_EPOCH}
end

local function branch_id(value)
  return type(value) == 'string' and #value <= 16 and string.find(value, '^[0-9a-z]+$') ~= nil
end

local function int(value)
  return string.format('%.0f', value)
end

local function read_register()
  local r = decode(short_text(KEYS[1]))
  if not (r and type(r.g) == 'string' and is_epoch(r.e) and whole(r.a) and type(r.h) == 'table') then return nil end
  for branch, sequence in pairs(r.h) do
    if not (branch_id(branch) and position(sequence)) then return nil end
  end
  return r
end

local function new_register(generation)
  return { g = generation, e = 0, h = {}, a = 0 }
end

-- Its time is when the epoch last rose: appends must not put off the end of a dead switch.
local function raise(r, epoch, branch, sequence)
  if epoch > r.e then
    local time = redis.call('TIME')
    r.e, r.a = epoch, time[1] * 1000 + math.floor(time[2] / 1000)
  end
  if sequence > (r.h[branch] or 0) then r.h[branch] = sequence end
end

local function write_register(r, ttl_seconds)
  local marks = {}
  for branch, sequence in pairs(r.h) do
    marks[#marks + 1] = cjson.encode(branch) .. ':' .. int(sequence)
  end
  local value = '{"v":${FORMAT_VERSION},"g":' .. cjson.encode(r.g) .. ',"e":' .. int(r.e)
    .. ',"h":{' .. table.concat(marks, ',') .. '},"a":' .. int(r.a) .. '}'
  if #marks > ${MAX_MARKS} then
    redis.call('DEL', KEYS[1])
  else
    local life = math.max(redis.call('PTTL', KEYS[1]), ttl_seconds * 1000, 1)
    redis.call('SET', KEYS[1], value, 'PX', int(life))
  end
  return value
end
`

const TAIL = String.raw`
local function sound_forks(p)
  if type(p) ~= 'table' or #p == 0 then return false end
  local above = math.huge
  for _, fork in ipairs(p) do
    if type(fork) ~= 'table' or #fork ~= 2 or not branch_id(fork[1]) then return false end
    if not position(fork[2]) or fork[2] >= above then return false end
    above = fork[2]
  end
  return true
end

local function sound(t)
  return type(t.g) == 'string' and type(t.i) == 'string' and branch_id(t.b)
    and type(t.o) == 'string' and type(t.n) == 'string'
    and is_epoch(t.e) and position(t.f) and position(t.l) and position(t.s) and position(t.t) and position(t.k)
    and t.f >= 1 and t.l >= t.f - 1 and position(t.s + t.t)
    and t.k <= t.s and (t.f == 1 and t.s == 0 or t.f > 1 and t.k > 0)
    and (t.x == nil or whole(t.x)) and (t.p == nil or sound_forks(t.p))
end

local function read_tail()
  local value = text(KEYS[2])
  local header_end = value and string.find(value, '\n', 1, true)
  local t = header_end and decode(string.sub(value, 1, header_end - 1))
  if not (t and sound(t)) then return nil end
  t.rows = string.sub(value, header_end + 1)
  if t.l < t.f then return t.rows == '' and t or nil end
  return string.find(t.rows, '^%d') and string.find(string.sub(t.rows, -1), '[0}]') and t or nil
end

-- A tail of the register's generation has raised it to all that it names: what it was not raised to is junk.
local function announced(r, t)
  if t.l > (r.h[t.b] or 0) then return false end
  for _, fork in ipairs(t.p or {}) do
    if fork[2] - 1 > (r.h[fork[1]] or 0) then return false end
  end
  return true
end

-- The tail of the register's generation.
local function read_tail_of(r)
  local t = read_tail()
  return t and t.g == r.g and announced(r, t) and t or nil
end

-- cjson's 14 digits are enough for the sequence of a fork: ids have room for 11.
local function write_tail(t)
  local header = '{"v":${FORMAT_VERSION},"g":' .. cjson.encode(t.g) .. ',"i":' .. cjson.encode(t.i)
    .. ',"e":' .. int(t.e) .. ',"b":' .. cjson.encode(t.b)
    .. (t.p and #t.p > 0 and ',"p":' .. cjson.encode(t.p) or '')
    .. ',"f":' .. int(t.f) .. ',"l":' .. int(t.l) .. ',"s":' .. int(t.s) .. ',"t":' .. int(t.t)
    .. ',"k":' .. int(t.k) .. ',"o":' .. cjson.encode(t.o) .. ',"n":' .. cjson.encode(t.n)
    .. (t.x and ',"x":' .. int(t.x) or '') .. '}'
  redis.call('SET', KEYS[2], header .. '\n' .. t.rows, 'KEEPTTL')
end

-- The tokens of the row that begins at "from", and where the next one begins.
local function row_at(rows, from)
  local separator = string.find(rows, ',\n', from, true)
  return tonumber(string.match(rows, '^%d+', from)), separator and separator + 2 or #rows + 1
end
`

/** KEYS register. ARGV ttlSeconds, generation. Answers the register's value. Refused when Redis is full. */
export const OPEN_SCRIPT = `#!lua
${REGISTER}
return write_register(read_register() or new_register(ARGV[2]), tonumber(ARGV[1]))
`

/** KEYS register. ARGV ttlSeconds, generation, epoch, branch, sequence. Taken even when Redis is full. */
export const MARK_SCRIPT = `#!lua flags=allow-oom
${REGISTER}
local r = read_register() or new_register(ARGV[2])
raise(r, tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]))
write_register(r, tonumber(ARGV[1]))
`

/** KEYS register, tail. ARGV ttlSeconds, tailTokens, epoch, branch, first, last, tokens, rows. */
export const CONFIRM_SCRIPT = `#!lua
${REGISTER}${TAIL}
local branch, first, last = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local r = read_register()
if not r then return 0 end
local t = read_tail_of(r)
raise(r, tonumber(ARGV[3]), branch, last)
write_register(r, tonumber(ARGV[1]))

if not (t and t.b == branch and first - 1 <= t.l and t.l < last) then return 0 end

local tokens, from = tonumber(ARGV[7]), 1
for _ = first, t.l do
  local count, after = row_at(ARGV[8], from)
  if not count then return 0 end
  tokens, from = tokens - count, after
end
t.rows = t.rows .. (t.rows == '' and '' or ',\\n') .. string.sub(ARGV[8], from)
t.l, t.t = last, t.t + tokens

from = 1
local tail_tokens = tonumber(ARGV[2])
while t.t > tail_tokens or #t.rows - from + 1 > tail_tokens * ${TAIL_LENGTH_PER_TOKEN} do
  local count, after = row_at(t.rows, from)
  if not count then return 0 end
  t.f, t.k, t.s, t.t, from = t.f + 1, t.s + 1, t.s + count, t.t - count, after
end
t.rows = string.sub(t.rows, from)
while t.p and #t.p > 0 and t.p[#t.p][2] <= t.f do table.remove(t.p) end
write_tail(t)
return 1
`

/**
 * KEYS register, tail. ARGV ttlSeconds, the seconds of a new life or '' to go on in the tail's, life,
 * generation, epoch, branch, knownFrom, last, the tail's value, its forks as JSON.
 */
export const FILL_SCRIPT = `#!lua
${REGISTER}${TAIL}
local epoch, known_from, last = tonumber(ARGV[5]), tonumber(ARGV[7]), tonumber(ARGV[8])
local r = read_register()
if not r or r.g ~= ARGV[4] then return 0 end

local t = read_tail_of(r)
if t and (t.e > epoch or (t.e == epoch and (t.l > last or (t.l == last and t.k <= known_from)))) then return 0 end
if ARGV[2] == '' and not (t and t.i == ARGV[3]) then return 0 end

raise(r, epoch, ARGV[6], last)
for _, fork in ipairs(cjson.decode(ARGV[10])) do raise(r, epoch, fork[1], fork[2] - 1) end
write_register(r, tonumber(ARGV[1]))
if ARGV[2] == '' then redis.call('SET', KEYS[2], ARGV[9], 'KEEPTTL')
else redis.call('SET', KEYS[2], ARGV[9], 'EX', ARGV[2]) end
return 1
`

/** KEYS register, tail. ARGV generation. The register keeps its life. Taken even when Redis is full. */
export const DROP_SCRIPT = `#!lua flags=allow-oom
${REGISTER}
local r = read_register()
if r then
  r.g = ARGV[1]
  write_register(r, 0)
end
redis.call('UNLINK', KEYS[2])
`
