// Caches the page for offline use. The build inserts the list of files, and a version that changes
// with any of them; the old version stays until all files of the new one are cached.

const files = FILES;
const cache = `dynamidb-${VERSION}`;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(cache).then((all) => all.addAll(files)));
  skipWaiting();
});

addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("dynamidb-") && name !== cache;
  const forget = (names) => Promise.all(names.filter(old).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(forget).then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  const known = caches.open(cache).then((all) => all.match(event.request, { ignoreSearch: true, ignoreVary: true }));
  event.respondWith(known.then((kept) => kept ?? fetch(event.request)));
});
