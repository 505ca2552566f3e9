// Keeps the page for visits without a network. Small files come from the server where it answers.
// Large files have a version in their address, and come from the cache.

const CACHE = "fastnst";
// Lets WebAssembly use threads, also where the server does not send these headers.
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

self.addEventListener("install", (event) => event.waitUntil(keepSmallFiles().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const ours = request.url.startsWith(self.registration.scope) && request.method === "GET";
  if (ours && !request.headers.has("range")) event.respondWith(answer(request).then(isolated));
});

async function keepSmallFiles() {
  const cache = await caches.open(CACHE);
  const { small } = await (await fetch("models.json", { cache: "no-cache" })).json();
  await cache.addAll(small.map((url) => new Request(url, { cache: "no-cache" })));
}

async function answer(request) {
  const cache = await caches.open(CACHE);
  if (new URL(request.url).searchParams.has("v")) {
    return (await cache.match(request)) ?? keep(cache, request);
  }
  try {
    return await keep(cache, request);
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (!kept) throw error;
    return kept;
  }
}

async function keep(cache, request) {
  const found = await fetch(request);
  if (found.ok) {
    // Other versions of a file are not needed any more.
    const kept = found.clone();
    // A full disk is no reason to fail.
    cache.delete(request, { ignoreSearch: true }).then(() => cache.put(request, kept)).catch(() => {});
  }
  return found;
}

function isolated(answer) {
  if (!answer.ok) return answer;
  const headers = new Headers(answer.headers);
  Object.entries(ISOLATION).forEach(([name, value]) => headers.set(name, value));
  return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers });
}
