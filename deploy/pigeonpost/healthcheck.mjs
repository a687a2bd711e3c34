// Ends with 0 when the API or the worker in this container is ready: an API has its probes on its own port, a worker on the
// port of its metrics.
const { PIGEONPOST_PORT: api, PIGEONPOST_METRICS_PORT: worker } = process.env;

async function isReady(port) {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false;
  }
}

const ports = [api || '8080', worker].filter(Boolean);
const ready = await Promise.all(ports.map(isReady));
process.exitCode = ready.includes(true) ? 0 : 1;
