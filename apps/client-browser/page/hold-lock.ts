/**
 * Holds a lock, which keeps Chrome and Edge from freezing this tab: with Energy Saver they freeze
 * tabs that compute in the background, worker and all, but none that holds a lock
 * (https://developer.chrome.com/blog/freezing-on-energy-saver). Other tabs can hold it as well.
 * Without TLS, browsers have locks only for pages of this machine.
 * @returns a function that releases it
 */
export function holdLock(): () => void {
  let release = () => {
    // Nothing is held.
  };
  if (!("locks" in navigator)) return release;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  navigator.locks
    .request("fedclair-host", { mode: "shared" }, () => released)
    .catch((error: unknown) => {
      console.warn("no lock, so the browser may stop this tab in the background", error);
    });
  return release;
}
