/* Stylizes a photo with an exported ONNX file, in Node.

   fastnst export --model gallery --format onnx -o exports/gallery-onnx
   npm install --ignore-scripts --prefix examples/node
   node examples/node/stylize.mjs exports/gallery-onnx photo.jpg stylized.png --style wave

   The packages come with their libraries; the script that is ignored would download CUDA's. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import ort from "onnxruntime-node";
import sharp from "sharp";

const { values: chosen, positionals } = parseArgs({
  allowPositionals: true,
  options: { style: { type: "string" }, strength: { type: "string", default: "1" } },
});
if (positionals.length !== 3) {
  fail("usage: stylize.mjs FOLDER PHOTO PICTURE [--style NAME] [--strength 0..1.5]");
}
const [folder, photo, picture] = positionals;

const { styles } = JSON.parse(await readFile(join(folder, "metadata.json"), "utf8"));
const names = styles.map((style) => style.name);
if (chosen.style && !names.includes(chosen.style)) {
  fail(`no style ${chosen.style}; choose from ${names.join(", ")}`);
}
const session = await ort.InferenceSession.create(join(folder, "model.onnx"));
const strength = Number(chosen.strength);
if (strength !== 1 && !session.inputNames.includes("strength")) {
  fail("this model has no strength; train it with `identity: on`");
}

// Upright, and without transparency.
const { data, info } = await sharp(photo)
  .autoOrient()
  .flatten({ background: "white" })
  .toColorspace("srgb")
  .raw()
  .toBuffer({ resolveWithObject: true });
const shares = names.map((name) => Number(name === (chosen.style ?? names[0])));
const given = {
  images: new ort.Tensor("float32", Float32Array.from(data), [1, info.height, info.width, 3]),
  style: new ort.Tensor("float32", shares, [names.length]),
  strength: new ort.Tensor("float32", [strength], [1]),
};
// A model of a single style takes no `style`, one without `identity: on` no `strength`.
const inputs = Object.fromEntries(session.inputNames.map((name) => [name, given[name]]));
const { stylized } = await session.run(inputs);
const { width, height } = info;
await sharp(stylized.data, { raw: { width, height, channels: 3 } }).toFile(picture);

function fail(message) {
  console.error(message);
  process.exit(1);
}
