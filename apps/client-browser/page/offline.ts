/*
 * The service worker of the playground and of the page that audits: it keeps the files of its page,
 * so that the page opens without a network after the first visit. A new build has another name, and
 * replaces them.
 */

/** The name of the page, its files, and a hash of their contents; the build inserts them. */
declare const offlinePage: string;
declare const offlineFiles: readonly string[];
declare const offlineHash: string;

/** The events of a service worker that are used here. */
interface WorkerEvent {
  readonly request: Request;
  waitUntil(work: Promise<unknown>): void;
  respondWith(response: Promise<Response>): void;
}

const scope = self as unknown as {
  addEventListener(name: string, handle: (event: WorkerEvent) => void): void;
};
const prefix = `fedclair-${offlinePage}-`;
const name = `${prefix}${offlineHash}`;

scope.addEventListener("install", (event) => {
  event.waitUntil(caches.open(name).then((cache) => cache.addAll(offlineFiles)));
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
