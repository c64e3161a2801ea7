# One image for every role: node main.ts [--role gateway | worker | subgraph:<name>]

FROM node:24-slim AS explorer
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY explorer explorer
COPY scripts/build-explorer.ts scripts/
RUN npm run build:explorer

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force

FROM node:24-slim
WORKDIR /app
RUN install -d -o node -g node /data
COPY --from=packages /app/node_modules node_modules
COPY package.json supergraph.yaml supergraph.graphql main.ts LICENSE ./
COPY core core
COPY gateway gateway
COPY hub hub
COPY ingest ingest
COPY simulators simulators
COPY operations operations
COPY subgraphs subgraphs
COPY scripts/admin-key.ts scripts/
COPY --from=explorer /app/explorer/dist explorer/dist
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 EVENTGRAPH_DATA_DIR=/data
USER node
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:4000/health/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--min-semi-space-size=64", "--max-semi-space-size=64", "main.ts"]
