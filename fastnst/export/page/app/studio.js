// The worker that paints, from the page's side.

/** Thrown when a painting is cancelled. */
export class Cancelled extends Error {}

export class Studio {
  /**
   * @param {object} runtime As in models.json.
   * @param {string} build "auto", "webgpu" or "wasm".
   * @param {object} on Functions that receive the worker's messages by kind; `starting` is called before it loads.
   */
  constructor(runtime, build, on) {
    Object.assign(this, { runtime, build, on, worker: null, model: null, waiting: null });
  }

  /** Loads a model; what is being painted is cancelled. */
  load(model) {
    this.cancel(false);
    this.model = model;
    this.on.starting();
    this.worker?.terminate();
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => this.#receive(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.#receive({ kind: "failed", during: "load", reason: event.message ?? "the worker stopped" });
    };
    this.worker.postMessage({ kind: "load", model, runtime: this.runtime, build: this.build });
  }

  /** Paints; returns the photo and the picture as ImageData, and the milliseconds it took. */
  paint(order) {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.worker.postMessage({ kind: "paint", ...order });
    });
  }

  /** Stops painting. Nothing but the end of the worker interrupts a network. */
  cancel(reload = true) {
    if (!this.waiting) return;
    this.waiting.reject(new Cancelled());
    this.waiting = null;
    if (reload) this.load(this.model);
  }

  #receive(message) {
    const { waiting } = this;
    if (message.kind === "painted") {
      this.waiting = null;
      waiting?.resolve(message);
    } else if (message.kind === "failed" && waiting) {
      this.waiting = null;
      waiting.reject(new Error(message.reason));
      // After a lack of memory, the runtime cannot be used again.
      this.load(this.model);
    } else {
      this.on[message.kind](message);
    }
  }
}
