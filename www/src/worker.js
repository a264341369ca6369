// Keeps the page for the time without a network. The build puts in its list of files and a version
// that changes with any of them; until it has all files of a version, the one before stays.

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
