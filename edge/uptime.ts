/** Whole milliseconds since this process started. V8 stores such small integers without allocating, unlike milliseconds since 1970. */
export const uptime = () => Math.floor(performance.now());
