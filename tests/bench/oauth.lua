-- wrk: one request of an OAuth client over and over, or with a value that is used once, a code or a refresh token.
-- BENCH_ORDER is a file with a Lua table, so that no secret stands in the process arguments: method, path, headers and
-- body; to use values once also
--   values: what stands for VALUE in the body, one after the other; empty if each request is the same
--   find:   a pattern of the next value in the response, in the URL of a redirect or in the body
--   keep:   a file for the values that are found; without it they are sent in turn
--   most:   how many to find
local order = dofile(os.getenv("BENCH_ORDER"))
wrk.method, wrk.path, wrk.headers, wrk.body = order.method, order.path, order.headers, order.body
if not order.find then
  return
end

local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds, nanoseconds; } moment; int clock_gettime(int, moment *);")

local function now()
  local time = ffi.new("moment")
  ffi.C.clock_gettime(1, time) -- CLOCK_MONOTONIC
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

local kept = order.keep and assert(io.open(order.keep, "w"))
if kept then
  kept:setvbuf("line")
end
local next, last, threads = 1, #order.values, {}
-- What `done` reads of a thread.
answered, begun, ended, trouble = 0, 0, 0, ""

local function stop()
  over = true
  wrk.thread:stop()
end

function setup(thread)
  table.insert(threads, thread)
end

function request()
  begun = begun > 0 and begun or now()
  if last == 0 then
    return wrk.format()
  end
  if next > last then
    -- All are used. Responses still under way are not counted, as the first requests had none before them.
    stop()
    return wrk.format("GET", "/")
  end
  local body = order.body:gsub("VALUE", order.values[next])
  next = next + 1
  return wrk.format(nil, nil, nil, body)
end

function response(status, headers, body)
  if over then
    return
  end
  local said = headers["Location"] or headers["location"] or body
  local found = status < 400 and said:match(order.find)
  if not found then
    trouble = status .. " " .. said:sub(1, 300)
    return stop()
  end
  answered, ended = answered + 1, now()
  if kept then
    kept:write(found, "\n")
  else
    last = last + 1
    order.values[last] = found
  end
  if order.most and answered >= order.most then
    stop()
  end
end

function done()
  local thread = threads[1]
  print("Answered: " .. thread:get("answered") .. " in " .. thread:get("ended") - thread:get("begun"))
  print("Trouble: " .. thread:get("trouble"))
end
