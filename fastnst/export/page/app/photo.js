// Photos of the visitor: what can be painted, and in which sizes.

import { round } from "./resample.js";

const SMALLEST_SIDE = 16;
const MOST_PIXELS = 200e6;
// Larger photos are scaled while the browser decodes them.
const PIXELS_TO_DECODE = 24e6;
// Shorter sides to choose from, and the largest picture that fits into a browser's memory.
const SIDES = [256, 384, 512, 720, 1080, 1440];
const MOST_PIXELS_TO_PAINT = 4e6;
const PREVIEW_SIDE = 1600;

let opened = 0;

/** Thrown if a file cannot be painted; the message is for the visitor. */
export class PhotoError extends Error {}

/**
 * Opens a photo.
 * @param {Blob} blob The file.
 * @param {string} name Its name.
 * @returns {Promise<object>} Its blob, name, height, width, and a preview.
 * @throws {PhotoError}
 */
export async function open(blob, name) {
  const { height, width } = await measure(blob, name);
  const dimensions = `${name} has ${width.toLocaleString("en")} × ${height.toLocaleString("en")} pixels`;
  if (Math.min(height, width) < SMALLEST_SIDE) {
    throw new PhotoError(`${dimensions}; each side needs at least ${SMALLEST_SIDE}.`);
  }
  if (height * width > MOST_PIXELS) {
    throw new PhotoError(`${dimensions}, more than ${MOST_PIXELS / 1e6} megapixels. Choose a smaller photo.`);
  }
  const scale = Math.min(1, PREVIEW_SIDE / Math.max(height, width));
  const options = { resizeWidth: Math.max(1, round(width * scale)), resizeHeight: Math.max(1, round(height * scale)), resizeQuality: "high" };
  let preview;
  try {
    preview = await createImageBitmap(blob, options);
  } catch {
    throw new PhotoError(`${dimensions}, which this browser cannot decode. Choose a smaller photo.`);
  }
  const scaleFirst = height * width > PIXELS_TO_DECODE;
  return { blob, name, height, width, scaleFirst, preview, key: String(++opened) };
}

/** Reads a photo's size from its header. */
async function measure(blob, name) {
  const url = URL.createObjectURL(blob);
  const image = new Image();
  try {
    await new Promise((resolve, reject) => Object.assign(image, { onload: resolve, onerror: reject, src: url }));
  } catch {
    throw new PhotoError(`${name} is not a photo that this browser can read. Use a JPEG, PNG, WebP or GIF.`);
  } finally {
    URL.revokeObjectURL(url);
  }
  return { height: image.naturalHeight, width: image.naturalWidth };
}

/** Lists the sizes in which a photo can be painted, as [height, width] from small to large. */
export function sizes({ height, width }) {
  const own = Math.min(height, width);
  const sides = [...SIDES.filter((side) => side < own), own];
  const found = sides.map((side) => [height, width].map((each) => round((each * side) / own)));
  const fitting = found.filter(([rows, columns]) => rows * columns <= MOST_PIXELS_TO_PAINT);
  if (fitting.length) return fitting;
  const scale = Math.sqrt(MOST_PIXELS_TO_PAINT / (height * width));
  return [[height, width].map((side) => Math.max(SMALLEST_SIDE, Math.floor(side * scale)))];
}

/** Returns the image file of a paste or a drop, or the first file, or null. */
export function fileOf(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0] ?? null;
}
