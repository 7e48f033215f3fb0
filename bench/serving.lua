-- POST the lines of a file in turn; print requests a second, what was not 200, requests.
local bodies, at = {}, 0
function init(args)
  for line in io.lines(args[1]) do
    bodies[#bodies + 1] = wrk.format("POST", nil, {["Content-Type"] = "application/json"}, line)
  end
end
function request()
  at = at % #bodies + 1
  return bodies[at]
end
function done(summary)
  local e = summary.errors
  io.write(string.format("RATE %.1f %d %d\n", summary.requests / (summary.duration / 1e6),
    e.connect + e.read + e.write + e.timeout + e.status, summary.requests))
end
