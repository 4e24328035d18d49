# The build has the bundler and the development dependencies; the image has neither.
FROM node:26-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# The scripts of dependencies are not needed here: the only one installs a Node, and the base image has one.
RUN npm ci --ignore-scripts
COPY rolldown.config.ts ./
COPY src src
RUN npm run build && chmod 755 dist/cli.js \
  && npm prune --omit=dev --ignore-scripts \
  # What only editors and people read: declarations, source maps, documentation, the tests of dependencies. Licenses stay.
  && find dist node_modules -type f \( -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.map' \
    -o -iname '*.md' -o -iname '*.markdown' -o -name '*.flow' \) ! -iname 'license*' ! -iname 'notice*' -delete \
  && rm -rf node_modules/.bin node_modules/.package-lock.json node_modules/zod/src \
  && find node_modules -type d -empty -delete

FROM node:26-bookworm-slim
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tailcar" \
  org.opencontainers.image.description="Log-shipping sidecar: follows log files on a shared volume and ships every record to Datadog, Splunk HEC and stdout." \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
# Compression, file reads and host name look-ups share one pool of threads. With more threads than sinks, a name server
# that does not answer for one of them holds up no other. One arena of the allocator for all, instead of one each, saves
# about 20 MB.
ENV NODE_ENV=production \
  UV_THREADPOOL_SIZE=16 \
  MALLOC_ARENA_MAX=1
WORKDIR /opt/tailcar
COPY LICENSE ./
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
# The two directories that are meant to be volumes. A new named volume takes over their owner.
RUN ln -s /opt/tailcar/dist/cli.js /usr/local/bin/tailcar \
  && mkdir -p /etc/tailcar \
  && install -d -o 1000 -g 1000 -m 0700 /var/lib/tailcar \
  && install -d -o 1000 -g 1000 -m 0755 /var/log/app
USER 1000:1000
VOLUME /var/lib/tailcar
# Exec form: node is process 1 and gets SIGTERM itself. The flags keep the heap small, see docs/decisions/small-heap.md.
ENTRYPOINT ["node", "--max-semi-space-size=8", "--heap-growing-percent=50", "/opt/tailcar/dist/cli.js"]
CMD ["run", "--config", "/etc/tailcar/tailcar.yaml"]
