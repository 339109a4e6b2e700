#!/bin/sh
# Runs Node with the options that every server of Souk has: bin/launch.sh bin/service.ts market
# A bounded young generation and two malloc arenas (docs/decisions/009), and compiled code that is kept for the next start.
# exec: signals arrive at Node, not at this shell.
exec env MALLOC_ARENA_MAX=2 NODE_COMPILE_CACHE=node_modules/.cache/souk node --max-semi-space-size=16 "$@"
