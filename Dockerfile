# The image of every role: `pigeonpost api`, `pigeonpost worker`, `pigeonpost migrate`.

# Debian, as Temporal's native part needs glibc. A tag may be moved, a digest may not:
#   docker build --build-arg NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:… .
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
FROM ${NODE_IMAGE} AS base
WORKDIR /app

# Compiles and bundles. No package's install script is run, here or below: none is needed.
FROM base AS build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY src ./src
COPY dashboard ./dashboard
RUN npm run build

# What runs needs neither the compiler nor the embedded PostgreSQL, which comes as optional packages, nor Temporal's
# native part for other systems. The bill of materials (CycloneDX) lists what was installed: with --omit=dev, npm sbom would
# leave out what development needs as well.
FROM base AS dependencies
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
  && npm pkg delete devDependencies \
  && npm sbom --sbom-format=cyclonedx --sbom-type=application >sbom.cdx.json \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name '*-linux-gnu' -exec rm -r {} +

FROM base
LABEL org.opencontainers.image.title="Pigeonpost" \
  org.opencontainers.image.description="Webhook delivery orchestrator on Temporal" \
  org.opencontainers.image.licenses="MIT"
# Certificate authorities for a Temporal that is reached by TLS: its native part asks the system, unlike Node.js. And an
# init, because as process 1 a command without handlers, like migrate, would ignore signals.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates tini \
  && rm -rf /var/lib/apt/lists/*
# Where generated keys are kept. A new named volume mounted here takes over owner and rights.
RUN install --directory --owner=node --group=node --mode=0700 /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=dependencies /app/sbom.cdx.json ./
COPY --from=build /app/dist ./dist
COPY deploy/pigeonpost ./deploy/pigeonpost
COPY package.json LICENSE ./
# Files and the names of our own servers take libuv's threads, of which there are four by default.
# And two arenas instead of eight for each core: the native part would leave memory unused in each (docs/performance.md).
ENV NODE_ENV=production \
  UV_THREADPOOL_SIZE=64 \
  MALLOC_ARENA_MAX=2 \
  PIGEONPOST_HOST=0.0.0.0 \
  PIGEONPOST_METRICS_PORT=9464 \
  PIGEONPOST_DATA_DIR=/data
# The user node, as a number: Kubernetes cannot tell otherwise that it is not root.
USER 1000:1000
EXPOSE 8080 9464
# Ready as an API or as a worker; start it with the same settings.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "/app/deploy/pigeonpost/healthcheck.mjs"]
ENTRYPOINT ["tini", "--", "node", "/app/dist/cli/main.js"]
CMD ["--help"]
