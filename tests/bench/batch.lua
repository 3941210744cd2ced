-- wrk: one LFS batch request over and over. The body and the Authorization header come from files, so that no
-- secret stands in the process arguments.
local function read(name)
  local file = assert(io.open(os.getenv(name), "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

wrk.method = "POST"
wrk.body = read("BENCH_BODY")
wrk.headers["Content-Type"] = "application/vnd.git-lfs+json"
wrk.headers["Accept"] = "application/vnd.git-lfs+json"
local authorization = read("BENCH_AUTHORIZATION")
if authorization ~= "" then
  wrk.headers["Authorization"] = authorization
end
