// Grain: smooth random noise, the same as that of fastnst/controls/grain.py.

const SPACING = 4;

/**
 * Draws grain with mean 0 and standard deviation 1, independent in each channel.
 * @returns {Float32Array} RGB [height, width, 3], interleaved.
 */
export function grain(height, width, seed = 0) {
  const rows = taps(height);
  const columns = taps(width);
  const lattice = uniform(seed, rows.points, columns.points);
  const result = new Float32Array(height * width * 3);
  const across = new Float32Array(columns.points * 3);
  for (let y = 0, to = 0; y < height; y++) {
    across.fill(0);
    for (let tap = 0; tap < 4; tap++) {
      const weight = rows.weights[4 * y + tap];
      const from = (Math.floor(y / SPACING) + tap) * across.length;
      for (let at = 0; at < across.length; at++) across[at] += weight * lattice[from + at];
    }
    for (let x = 0; x < width; x++) {
      const from = Math.floor(x / SPACING) * 3;
      for (let channel = 0; channel < 3; channel++) {
        let value = 0;
        for (let tap = 0; tap < 4; tap++) {
          value += columns.weights[4 * x + tap] * across[from + 3 * tap + channel];
        }
        result[to++] = value;
      }
    }
  }
  return result;
}

/** Returns the weights of the four points of the lattice around each pixel, and their number. */
function taps(size) {
  const weights = new Float32Array(4 * size);
  for (let index = 0; index < size; index++) {
    const part = (index % SPACING) / SPACING;
    const rest = 1 - part;
    const spline = [
      rest ** 3,
      3 * part ** 3 - 6 * part ** 2 + 4,
      3 * rest ** 3 - 6 * rest ** 2 + 4,
      part ** 3,
    ];
    const norm = Math.hypot(...spline);
    spline.forEach((weight, tap) => (weights[4 * index + tap] = weight / norm));
  }
  return { weights, points: Math.floor((size - 1) / SPACING) + 4 };
}

/** Hashes the seed and each point to a value of variance 1: RGB [rows, columns, 3]. */
function uniform(seed, rows, columns) {
  const values = new Float32Array(rows * columns * 3);
  const start = mix(seed);
  for (let row = 0, to = 0; row < rows; row++) {
    // The first point of the lattice is before the first pixel.
    const ofRow = mix(start ^ (row - 1));
    for (let column = 0; column < columns; column++) {
      const ofPoint = mix(ofRow ^ (column - 1));
      for (let channel = 0; channel < 3; channel++) {
        const unit = (mix(ofPoint ^ channel) >>> 8) / 2 ** 24;
        values[to++] = (2 * unit - 1) * Math.sqrt(3);
      }
    }
  }
  return values;
}

/** Hashes 32 bits (Wellons 2018, "Prospecting for Hash Functions": lowbias32). */
function mix(value) {
  value = (value + 0x9e3779b9) | 0;
  value = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  value = Math.imul(value ^ (value >>> 15), 0x846ca68b);
  return (value ^ (value >>> 16)) >>> 0;
}
