// The network in onnxruntime-web, on the graphics processor where possible.

// Folders of the runtime. Browsers without JSPI need a larger build for their graphics processor.
const BUILDS = { webgpu: "webgpu", asyncify: "webgpu-asyncify", wasm: "wasm" };
const MOST_THREADS = 4;

/** Returns the builds to try, the best first. */
async function builds(wanted) {
  const found = ["wasm"];
  if (wanted !== "wasm" && (await hasGraphics(wanted === "webgpu"))) {
    found.unshift("asyncify");
    if ("Suspending" in WebAssembly) found.unshift("webgpu");
  }
  return found;
}

/** Returns whether there is a graphics processor; one in software would be slower than WebAssembly. */
async function hasGraphics(evenInSoftware) {
  try {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
    const inSoftware = adapter?.isFallbackAdapter || adapter?.info?.isFallbackAdapter;
    return Boolean(adapter) && (evenInSoftware || !inSoftware);
  } catch {
    return false;
  }
}

/** Downloads a file; reports bytes. */
async function download(url, progress) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${new URL(url).pathname} cannot be loaded (${answer.status})`);
  const parts = [];
  let done = 0;
  const reader = answer.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    done += part.value.length;
    progress(done);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/**
 * Loads the runtime and a model.
 * @param {object} model As in models.json.
 * @param {object} runtime The version and the bytes of each build, as in models.json.
 * @param {string} wanted "auto", "webgpu" or "wasm".
 * @param {(done: number, total: number) => void} progress Receives bytes.
 */
export async function load(model, runtime, wanted, progress) {
  // The folder of index.html.
  const root = new URL("..", import.meta.url);
  const failures = [];
  for (const build of await builds(wanted)) {
    try {
      return await start(root, build, model, runtime, progress);
    } catch (error) {
      failures.push(`${build}: ${error?.message ?? error}`);
    }
  }
  throw new Error(failures.at(-1));
}

async function start(root, build, model, runtime, progress) {
  const folder = new URL(`runtime/${BUILDS[build]}/`, root);
  const versioned = (file) => new URL(`${file}?v=${runtime.version}`, folder).href;
  const ort = await import(versioned("ort.js"));
  const total = runtime.bytes[BUILDS[build]] + model.bytes;
  const done = [0, 0];
  const report = (index) => (bytes) => {
    done[index] = bytes;
    progress(done[0] + done[1], total);
  };
  const [binary, content] = await Promise.all([
    download(versioned("ort.wasm"), report(0)),
    download(new URL(`${model.file}?v=${model.version}`, root).href, report(1)),
  ]);
  const onGraphics = build !== "wasm";
  // Threads need a page that is isolated from other sites.
  const threads = self.crossOriginIsolated && !onGraphics ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = { mjs: versioned("glue.js") };
  ort.env.wasm.wasmBinary = binary.buffer;
  const session = await ort.InferenceSession.create(content, {
    executionProviders: [onGraphics ? "webgpu" : "wasm"],
    logSeverityLevel: 3,
  });
  const network = new Network(ort, session, onGraphics ? "WebGPU" : "WebAssembly", threads);
  await network.warmUp(model.styles.length);
  return network;
}

/** A session that stylizes images. */
class Network {
  constructor(ort, session, name, threads) {
    Object.assign(this, { ort, session, name, threads, millisecondsPerPixel: 0 });
  }

  /** Stylizes a small image twice: the first time, memory is reserved and WebGPU compiles. */
  async warmUp(styles) {
    const [height, width] = [96, 128];
    const gray = { data: new Float32Array(height * width * 3).fill(128), height, width };
    const shares = Array.from({ length: styles }, (_, index) => Number(index === 0));
    for (let run = 0; run < 2; run++) await this.run(gray, shares, 1);
  }

  /**
   * Stylizes an image.
   * @param {{data: Float32Array, height: number, width: number}} image RGB in 0..255.
   * @param {number[]} shares Of the styles.
   * @param {number} strength From 0 to 1.5.
   */
  async run({ data, height, width }, shares, strength) {
    const { Tensor } = this.ort;
    const given = {
      images: () => new Tensor("float32", data, [1, height, width, 3]),
      style: () => new Tensor("float32", Float32Array.from(shares), [shares.length]),
      strength: () => new Tensor("float32", Float32Array.of(strength), [1]),
    };
    const start = performance.now();
    const found = await this.session.run(
      Object.fromEntries(this.session.inputNames.map((name) => [name, given[name]()])),
    );
    const stylized = Float32Array.from(await found.stylized.getData());
    found.stylized.dispose();
    this.millisecondsPerPixel = (performance.now() - start) / (height * width);
    return { data: stylized, height, width };
  }
}
