# One image for every service. The command selects the service: bin/launch.sh bin/service.ts market

FROM node:24-slim AS packages
WORKDIR /souk
COPY package.json package-lock.json ./
# The image has its own Node 24, so the optional packages, which contain Node, are not needed. No production package
# needs its install script.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24-slim AS page
WORKDIR /souk
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY contracts contracts
COPY client client
COPY web web
RUN node node_modules/vite/bin/vite.js build --config web/vite.config.ts --configLoader native
COPY bin bin
RUN node --input-type=module --eval 'import { bundleTypeBox } from "./bin/typebox.ts"; await bundleTypeBox()'

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /souk
COPY --from=packages /souk/node_modules ./node_modules
# The files belong to root and the service runs as the image's user `node`: it cannot change its own code. The user is
# given by number, so that orchestrators can verify that it is not root.
COPY . .
# The page and the bundle of TypeBox are built above: this image has no build tools.
COPY --from=page /souk/web/dist ./web/dist
COPY --from=page /souk/node_modules/.cache ./node_modules/.cache
USER 1000:1000
EXPOSE 3000 3001
# Exec form, and the script replaces itself with Node, so that SIGTERM reaches the service and it can drain.
CMD ["bin/launch.sh", "bin/service.ts", "api"]
