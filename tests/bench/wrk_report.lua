-- wrk's result as one line of JSON, times in us.
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('{"count": %d, "errors": %d, "seconds": %.6f, "p50": %.2f, "p99": %.2f}\n', summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99)))
end
