-- Cycles through the requests of a file. A line of it is an Authorization header, which is empty for
-- some, a tab, and a form; then, for some, a tab and a DPoP header, or two and a Client-Cert header.
local requests, position = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local authorization, form, proof, certificate =
      line:match("^(.-)\t([^\t]+)\t?([^\t]*)\t?(.*)$")
    table.insert(requests, wrk.format("POST", nil, {
      ["Host"] = wrk.headers["Host"],
      ["Authorization"] = authorization ~= "" and authorization or nil,
      ["Content-Type"] = "application/x-www-form-urlencoded",
      ["DPoP"] = proof ~= "" and proof or nil,
      ["Client-Cert"] = certificate ~= "" and certificate or nil,
    }, form))
  end
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"answers": %d, "microseconds": %d, "refused": %d, "broken": %d, "mean": %d, "median": %d, "p99": %d}\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency.mean, latency:percentile(50), latency:percentile(99)))
end
