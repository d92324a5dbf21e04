/*
 * The service worker of the playground: it keeps the files of the page, so that the page opens
 * without a network after the first visit. A new build has another name, and replaces them.
 */

/** The files of the page, and a hash of their contents; the build inserts both. */
declare const playgroundFiles: readonly string[];
declare const playgroundHash: string;

/** The events of a service worker that are used here. */
interface WorkerEvent {
  readonly request: Request;
  waitUntil(work: Promise<unknown>): void;
  respondWith(response: Promise<Response>): void;
}

const scope = self as unknown as {
  addEventListener(name: string, handle: (event: WorkerEvent) => void): void;
};
const prefix = "fedclair-playground-";
const name = `${prefix}${playgroundHash}`;

scope.addEventListener("install", (event) => {
  event.waitUntil(caches.open(name).then((cache) => cache.addAll(playgroundFiles)));
});

scope.addEventListener("activate", (event) => {
  const removeOlder = async () => {
    for (const other of await caches.keys())
      if (other.startsWith(prefix) && other !== name) await caches.delete(other);
  };
  event.waitUntil(removeOlder());
});

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const answer = async () => {
    const cache = await caches.open(name);
    const kept = await cache.match(request.mode === "navigate" ? "index.html" : request);
    return kept ?? fetch(request);
  };
  event.respondWith(answer());
});
