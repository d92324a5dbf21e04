/**
 * Makes a connection of engine.io-client independent of the wall clock. Before each packet the
 * client compares `Date.now()` with the time of the next ping, so a clock that is set forward
 * breaks a healthy connection. Its timer for the same purpose uses the monotonic clock and stays;
 * the comparison only helps in browsers, which delay timers. See docs/decisions/machines.md.
 * @param engine of a connection that has just opened
 */
export function ignoreWallClock(engine: object): void {
  Object.assign(engine, { _hasPingExpired: () => false });
}
