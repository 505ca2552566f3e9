// Paints in a thread of its own, so that the page stays responsive and can cancel.

import * as painting from "./painting.js";
import { resample } from "./resample.js";
import { load } from "./runtime.js";

// The photo and the picture of the last request, for changes of the colors only.
const last = { key: "", photoKey: "", photo: null, painted: null };
let network = null;
let model = null;

self.onmessage = async ({ data: order }) => {
  try {
    await (order.kind === "load" ? start(order) : paint(order));
  } catch (error) {
    postMessage({ kind: "failed", during: order.kind, reason: String(error?.message ?? error) });
  }
};

async function start({ model: chosen, runtime, build }) {
  model = chosen;
  network = await load(model, runtime, build, (done, total) =>
    postMessage({ kind: "loading", done, total }),
  );
  postMessage({ kind: "ready", runtime: network.name, threads: network.threads });
}

async function paint({ photo, photoKey, size, shares, strength, keepsColors }) {
  const begin = performance.now();
  const sized = `${photoKey} ${size}`;
  if (last.photoKey !== sized) {
    Object.assign(last, { key: "", photoKey: sized, photo: await read(photo, ...size) });
  }
  const key = `${sized} ${shares} ${strength}`;
  if (last.key !== key) {
    last.painted = await painting.paint(
      (image) => network.run(image, shares, strength),
      last.photo,
      model.grain,
      (done, total) => {
        const expected = (total - done) * network.millisecondsPerPixel;
        postMessage({ kind: "painting", done, total, expected });
      },
    );
    last.key = key;
  }
  const colored = keepsColors ? painting.keepColors(last.painted, last.photo) : last.painted;
  const before = painting.toCanvas(last.photo);
  const after = painting.toCanvas(colored);
  const milliseconds = performance.now() - begin;
  postMessage({ kind: "painted", before, after, milliseconds }, [before.data.buffer, after.data.buffer]);
}

/** Decodes a photo and scales it; what is transparent becomes white. */
async function read({ blob, scaleFirst }, height, width) {
  // The browser scales very large photos while it decodes them, with less memory.
  const options = scaleFirst
    ? { resizeWidth: width, resizeHeight: height, resizeQuality: "high" }
    : {};
  const bitmap = await createImageBitmap(blob, options);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);
  bitmap.close();
  const scaled = resample(painting.fromCanvas(pixels), height, width, "lanczos", true);
  return { ...scaled, data: Float32Array.from(scaled.data) };
}
