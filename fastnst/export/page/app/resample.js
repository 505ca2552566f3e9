// Resampling as Pillow does it, so that pictures equal those of `fastnst eval`.

const FILTERS = {
  // A cubic with a = -0.5.
  cubic: {
    support: 2,
    at(x) {
      x = Math.abs(x);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
    },
  },
  lanczos: {
    support: 3,
    at: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0),
  },
};

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Rounds half to even, as Python and NumPy do. */
export function round(value) {
  const nearest = Math.round(value);
  return nearest - value === 0.5 && nearest % 2 ? nearest - 1 : nearest;
}

/**
 * Resamples an image.
 * @param {{data: ArrayLike<number>, height: number, width: number}} image RGB, interleaved.
 * @param {"cubic"|"lanczos"} filter
 * @param {boolean} rounded Whether results are levels from 0 to 255 after each direction.
 * @returns {{data: Float32Array, height: number, width: number}} The same image if it has the size.
 */
export function resample(image, height, width, filter = "cubic", rounded = false) {
  let { data } = image;
  if (width !== image.width) {
    data = alongRows(data, image.height, image.width, width, FILTERS[filter], rounded);
  }
  if (height !== image.height) {
    data = alongColumns(data, image.height, height, width, FILTERS[filter], rounded);
  }
  return { data, height, width };
}

/** Returns the first source pixel of each target pixel, and the weights from there on. */
function taps(before, after, filter) {
  const scale = before / after;
  const stretch = Math.max(scale, 1);
  const reach = filter.support * stretch;
  return Array.from({ length: after }, (_, index) => {
    const center = (index + 0.5) * scale;
    const first = Math.max(0, Math.floor(center - reach + 0.5));
    const end = Math.min(before, Math.floor(center + reach + 0.5));
    const weights = [];
    for (let at = first; at < end; at++) weights.push(filter.at((at - center + 0.5) / stretch));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: Float64Array.from(weights, (weight) => weight / total) };
  });
}

function alongRows(data, height, before, after, filter, rounded) {
  const result = rounded ? new Uint8ClampedArray(height * after * 3) : new Float32Array(height * after * 3);
  const plan = taps(before, after, filter);
  let to = 0;
  for (let row = 0; row < height; row++) {
    for (const { first, weights } of plan) {
      let from = (row * before + first) * 3;
      let red = 0, green = 0, blue = 0;
      for (let tap = 0; tap < weights.length; tap++, from += 3) {
        const weight = weights[tap];
        red += weight * data[from];
        green += weight * data[from + 1];
        blue += weight * data[from + 2];
      }
      result[to++] = red;
      result[to++] = green;
      result[to++] = blue;
    }
  }
  return result;
}

function alongColumns(data, before, after, width, filter, rounded) {
  const stride = width * 3;
  const result = rounded ? new Uint8ClampedArray(after * stride) : new Float32Array(after * stride);
  const line = new Float64Array(stride);
  taps(before, after, filter).forEach(({ first, weights }, row) => {
    line.fill(0);
    weights.forEach((weight, tap) => {
      const from = (first + tap) * stride;
      for (let at = 0; at < stride; at++) line[at] += weight * data[from + at];
    });
    result.set(line, row * stride);
  });
  return result;
}
