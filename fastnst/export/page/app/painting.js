// What surrounds the network: strokes, grain and colors, as in fastnst/controls/.

import { grain } from "./grain.js";
import { resample, round } from "./resample.js";

const SMALLEST_SIDE = 16;
// As in fastnst/controls/strokes.py.
const NATURAL_SIDE = 448, WORTHWHILE = 1.4, LARGEST_STROKE = 8, LARGEST_STEP = 2.6;
const LUMA = [0.299, 0.587, 0.114];

/** Lists the height and width of each pass, from coarse to fine strokes. */
export function passes(height, width) {
  const ratio = Math.min(height, width) / NATURAL_SIDE;
  let stroke = ratio >= WORTHWHILE ? Math.min(ratio, LARGEST_STROKE) : 1;
  stroke = Math.min(stroke, Math.max(Math.min(height, width) / SMALLEST_SIDE, 1));
  const steps = stroke > 1 ? Math.ceil(Math.log(stroke) / Math.log(LARGEST_STEP)) : 0;
  const scales = Array.from({ length: steps }, (_, step) => stroke ** ((steps - step) / steps));
  return [...scales, 1].map((scale) => [round(height / scale), round(width / scale)]);
}

/**
 * Stylizes a photo with strokes that fit its size.
 * @param {(image) => Promise<object>} network Stylizes an image.
 * @param {{data: Float32Array, height: number, width: number}} photo RGB in 0..255, interleaved.
 * @param {number} deviation Of the grain, in levels.
 * @param {(done: number, total: number) => void} progress Receives pixels of the network.
 */
export async function paint(network, photo, deviation, progress) {
  const sizes = passes(photo.height, photo.width);
  const total = sizes.reduce((sum, [height, width]) => sum + height * width, 0);
  let done = 0;
  let painted = null;
  for (const size of sizes) {
    progress(done, total);
    const scaled = resample(photo, ...size);
    const mixed = painted
      ? combine(resample(painted, ...size), scaled, (one, other) => 0.5 * one + 0.5 * other)
      : scaled;
    const fine = await network(withGrain(mixed, deviation));
    painted = painted ? withShapes(fine, painted) : fine;
    done += size[0] * size[1];
  }
  progress(total, total);
  return painted;
}

function withGrain(image, deviation) {
  if (!deviation) return image;
  const { height, width } = image;
  const drawn = { data: grain(height, width), height, width };
  return combine(image, drawn, (level, noise) => level + deviation * noise);
}

/** Replaces the low frequencies of a picture by those of a smaller one. */
function withShapes(fine, coarse) {
  const low = [coarse.height, coarse.width].map((side) => Math.max(1, Math.floor(side / 2)));
  const difference = combine(resample(coarse, ...low), resample(fine, ...low), (one, other) => one - other);
  return combine(fine, resample(difference, fine.height, fine.width), (one, other) => one + other);
}

function combine(one, other, join) {
  const data = new Float32Array(one.data.length);
  for (let at = 0; at < data.length; at++) data[at] = join(one.data[at], other.data[at]);
  return { data, height: one.height, width: one.width };
}

/** Takes luma from the painting and chroma from the photo, as `--colors photo` does. */
export function keepColors(painted, photo) {
  const own = brightness(painted);
  const wanted = brightness(photo);
  const gain = Math.min(wanted.deviation / Math.max(own.deviation, 1e-3), 1);
  const data = new Float32Array(photo.data.length);
  for (let at = 0; at < data.length; at += 3) {
    const luma = (lumaAt(painted.data, at) - own.mean) * gain + wanted.mean;
    const change = luma - lumaAt(photo.data, at);
    for (let channel = at; channel < at + 3; channel++) data[channel] = photo.data[channel] + change;
  }
  return { data, height: photo.height, width: photo.width };
}

function lumaAt(data, at) {
  return LUMA[0] * data[at] + LUMA[1] * data[at + 1] + LUMA[2] * data[at + 2];
}

function brightness({ data }) {
  const pixels = data.length / 3;
  let sum = 0, squares = 0;
  for (let at = 0; at < data.length; at += 3) {
    const luma = lumaAt(data, at);
    sum += luma;
    squares += luma * luma;
  }
  const mean = sum / pixels;
  return { mean, deviation: Math.sqrt(Math.max(squares / pixels - mean * mean, 0)) };
}

/** Converts to the pixels of a canvas; values are rounded and limited to 0..255. */
export function toCanvas({ data, height, width }) {
  const pixels = new Uint8ClampedArray(height * width * 4).fill(255);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    pixels[to] = data[from];
    pixels[to + 1] = data[from + 1];
    pixels[to + 2] = data[from + 2];
  }
  return new ImageData(pixels, width, height);
}

/** Converts the pixels of a canvas to an image. */
export function fromCanvas({ data, height, width }) {
  const pixels = new Float32Array(height * width * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    pixels[to] = data[from];
    pixels[to + 1] = data[from + 1];
    pixels[to + 2] = data[from + 2];
  }
  return { data: pixels, height, width };
}
