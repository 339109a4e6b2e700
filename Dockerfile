# One image for every service; the command chooses which: node bin/service.ts market

FROM node:24-slim AS packages
WORKDIR /souk
COPY package.json package-lock.json ./
# Without the development packages `node` is missing too, which npm scripts run by; the image has its own Node 24.
# No package that is left needs its install script.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim AS page
WORKDIR /souk
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY contracts contracts
COPY client client
COPY web web
RUN node node_modules/vite/bin/vite.js build --config web/vite.config.ts --configLoader native

FROM node:24-slim
# As `npm run service` runs it (docs/decisions/009).
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=16
WORKDIR /souk
COPY --from=packages /souk/node_modules ./node_modules
# Owned by root and run by the image's user `node`, by number so that orchestrators can tell it is not root: a service cannot
# rewrite its own code.
COPY . .
# Whoever hosts api serves it as it is: there is nothing here to build it with.
COPY --from=page /souk/web/dist ./web/dist
USER 1000:1000
EXPOSE 3000 3001
# Node itself, in exec form: npm or a shell in between would swallow the SIGTERM that lets a service drain.
CMD ["node", "bin/service.ts", "api"]
