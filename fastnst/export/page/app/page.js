// The page: what the visitor chooses, and what happens then.

import { Camera } from "./camera.js";
import { PhotoError, fileOf, open, sizes } from "./photo.js";
import { Cancelled, Studio } from "./studio.js";
import { fill, title } from "./tiles.js";
import { Viewer } from "./viewer.js";

const WANTED_SIDE = 512;
// The service worker should see the large files; without it the page works, but not offline.
const PATIENCE = 3000;

const at = (id) => document.getElementById(id);
const viewer = new Viewer(at("viewer"));
const state = { models: [], photo: null, ready: false, painted: null, painting: false };
let studio = null;

at("blocked").hidden = true;
listen();
start().catch((error) => {
  at("status").textContent = "";
  complain(`The page cannot start: ${error.message}`);
});

async function start() {
  const content = await (await fetch("models.json")).json();
  state.models = content.models;
  showSamples(content.samples);
  for (const [index, { name }] of state.models.entries()) at("model").add(new Option(title(name), index));
  at("which").hidden = state.models.length === 1;
  const build = new URLSearchParams(location.search).get("runtime") ?? "auto";
  studio = new Studio(content.runtime, build, {
    starting: () => (state.ready = false),
    loading: ({ done, total }) => {
      say(`Loading ${megabytes(done)} of ${megabytes(total)} MB…`, true);
      showProgress(done / total);
    },
    ready: ({ runtime, threads }) => {
      state.ready = true;
      const where = runtime === "WebGPU" ? "on your graphics processor" : `on your processor, ${threads === 1 ? "one thread" : `${threads} threads`}`;
      at("runtime").textContent = `${runtime}: ${where}`;
      Object.assign(at("runtime").dataset, { runtime, model: model().name });
      if (!state.painting) rest();
    },
    failed: ({ reason }) => {
      say("");
      at("working").hidden = true;
      complain(`The page cannot load what it needs to paint (${reason}). Reload it to try again.`);
    },
    painting: ({ done, total, expected }) => follow(done / total, expected),
  });
  showModel();
  await Promise.race([keepOffline(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  loadModel();
}

/** Installs the service worker where there is one, and waits until it is in charge. */
async function keepOffline() {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  const inCharge = new Promise((resolve) => {
    if (workers.controller) resolve();
    workers.addEventListener("controllerchange", resolve, { once: true });
  });
  try {
    await workers.register("sw.js");
    await inCharge;
  } catch (error) {
    console.info(`no service worker: ${error.message}`);
  }
}

function model() {
  return state.models[at("model").selectedIndex];
}

/** Shows the choices that the model has. */
function showModel() {
  const { styles, strength } = model();
  fill(at("styles"), "style", styles, 0);
  fill(at("others"), "other", styles, Math.min(1, styles.length - 1));
  at("blending").hidden = styles.length === 1;
  at("strengths").hidden = !strength;
}

/** Makes the second style differ from the first. */
function chooseAnother() {
  const [first, other] = ["style", "other"].map((name) => document.querySelector(`[name=${name}]:checked`));
  if (first.value === other.value) {
    const styles = document.querySelectorAll("[name=other]");
    styles[(Number(other.value) + 1) % styles.length].checked = true;
  }
}

function loadModel() {
  studio.load(model());
  if (!state.painting) rest();
}

function listen() {
  for (const button of document.querySelectorAll(".choose")) button.addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", ({ target }) => {
    if (target.files.length) take(target.files[0]);
    target.value = "";
  });
  const camera = new Camera(at("camera"), (photo) => take(photo, "camera.png"), complain);
  for (const button of document.querySelectorAll(".photograph")) {
    button.hidden = !Camera.available;
    button.addEventListener("click", () => camera.open());
  }
  addEventListener("paste", ({ clipboardData }) => {
    const file = fileOf(clipboardData);
    if (file) take(file, "the pasted photo");
  });
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  for (const kind of ["dragleave", "drop"]) addEventListener(kind, () => document.body.classList.remove("dragging"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    const file = fileOf(event.dataTransfer);
    if (file) take(file);
    else complain("Nothing was dropped that could be painted. Drop a photo.");
  });
  at("panel").addEventListener("submit", (event) => {
    event.preventDefault();
    paint();
  });
  at("panel").addEventListener("input", ({ target }) => {
    at("second").hidden = !at("blends").checked;
    if (target === at("blends")) chooseAnother();
    at("shared").textContent = `${at("share").value}%`;
    at("strong").textContent = `${at("strength").value}%`;
    if (target === at("model")) {
      showModel();
      loadModel();
    } else if (target === at("colors") && state.painted && !state.painting && !changed(true)) {
      paint();
    } else if (!state.painting) {
      rest();
    }
  });
  at("cancel").addEventListener("click", () => studio.cancel());
  at("save").addEventListener("click", save);
  addEventListener("error", ({ message }) => complain(`Something went wrong (${message}). Reload the page.`));
}

/** Takes a photo from any source. */
async function take(blob, name = blob.name) {
  complain("");
  try {
    const photo = await open(blob, name);
    studio?.cancel();
    state.photo = photo;
    state.painted = null;
  } catch (error) {
    if (!(error instanceof PhotoError)) throw error;
    complain(error.message);
    return;
  }
  const focused = at("empty").contains(document.activeElement);
  at("empty").hidden = true;
  at("viewer").hidden = at("tools").hidden = false;
  viewer.showPhoto(state.photo.preview);
  state.photo.preview.close();
  showSizes();
  rest();
  if (focused) document.querySelector("[name=style]:checked").focus();
}

function showSizes() {
  const found = sizes(state.photo);
  const wanted = found.findLastIndex((size) => Math.min(...size) <= WANTED_SIDE);
  at("size").replaceChildren(
    ...found.map(([height, width], index) => new Option(`${width} × ${height} pixels`, `${height} ${width}`, false, index === Math.max(wanted, 0))),
  );
  at("size").disabled = false;
}

/** Returns what the network needs to know. */
function order() {
  const { styles } = model();
  const shares = styles.map(() => 0);
  const first = Number(document.querySelector("[name=style]:checked").value);
  const share = at("blends").checked ? at("share").valueAsNumber / 100 : 0;
  shares[first] += 1 - share;
  if (share) shares[Number(document.querySelector("[name=other]:checked").value)] += share;
  const { blob, scaleFirst, key } = state.photo;
  return {
    photo: { blob, scaleFirst },
    photoKey: key,
    size: at("size").value.split(" ").map(Number),
    shares,
    strength: at("strength").valueAsNumber / 100,
    keepsColors: at("colors").checked,
  };
}

/** Returns whether the choices differ from those of the picture that is shown. */
function changed(apartFromColors = false) {
  const [now, then] = [order(), state.painted].map((each) => {
    const { photo, keepsColors, ...rest } = each;
    return JSON.stringify(apartFromColors ? rest : { ...rest, keepsColors });
  });
  return now !== then;
}

async function paint() {
  if (!state.photo || !state.ready || state.painting) return;
  complain("");
  const chosen = order();
  state.painting = true;
  busy("Painting…");
  try {
    const { before, after, milliseconds } = await studio.paint(chosen);
    viewer.showPicture(before, after);
    state.painted = chosen;
    state.painting = false;
    rest(`Done: ${after.width} × ${after.height} pixels in ${(milliseconds / 1000).toFixed(1)} s.`);
  } catch (error) {
    state.painting = false;
    if (error instanceof Cancelled) {
      rest("Cancelled.");
    } else {
      rest();
      complain(`This size could not be painted; try a smaller one. (${error.message.split("\n")[0].slice(0, 160)})`);
    }
  }
}

/** Shows the buttons and the line for a page that waits for the visitor. */
function rest(done = "") {
  stopFollowing();
  const focused = document.activeElement === at("cancel");
  const painted = state.painted && !changed();
  at("working").hidden = state.ready;
  at("cancel").hidden = true;
  at("go").hidden = false;
  at("go").disabled = !(state.photo && state.ready);
  at("go").classList.toggle("strong", !painted);
  at("save").hidden = !state.painted;
  at("save").classList.toggle("strong", Boolean(painted));
  if (!state.ready) say(done || "Loading…");
  else if (!state.photo) say("Ready. Choose a photo to begin.");
  else if (painted) say(done || "Done.");
  else if (state.painted) say("Your choices have changed. Paint again to see them.");
  else say(done || "Choose a style, then paint.");
  // The button that had the focus is gone.
  if (focused) at(painted ? "save" : "go").focus();
}

function busy(text) {
  say(text);
  const focused = document.activeElement === at("go");
  at("working").hidden = at("cancel").hidden = false;
  at("go").hidden = at("save").hidden = true;
  if (focused) at("cancel").focus();
  follow(0, 0);
}

let timer = 0;

/** Moves the bar on, from a known share of the work, through the milliseconds that are expected. */
function follow(share, expected) {
  stopFollowing();
  const begin = performance.now();
  const step = () => {
    const spent = performance.now() - begin;
    const through = expected ? Math.min(spent / expected, 0.97) : 0;
    showProgress(expected || share ? share + (1 - share) * through : null);
    const seconds = Math.ceil((expected - spent) / 1000);
    at("left").textContent = seconds > 1 ? `about ${seconds} s` : "";
  };
  step();
  timer = setInterval(step, 100);
}

function stopFollowing() {
  clearInterval(timer);
  at("left").textContent = "";
}

function showProgress(share) {
  if (share === null) at("progress").removeAttribute("value");
  else at("progress").value = share;
}

async function save() {
  const { styles } = model();
  const named = styles.filter((_, index) => state.painted.shares[index]).map(({ name }) => name);
  const url = URL.createObjectURL(await viewer.png());
  const name = state.photo.name.replace(/\.[^.]*$/, "").replaceAll(/[^\p{L}\p{N}_-]+/gu, "-");
  const link = Object.assign(document.createElement("a"), { href: url, download: `${name}-${named.join("-")}.png` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function showSamples(samples) {
  for (const { file, name } of samples) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.append(Object.assign(document.createElement("img"), { src: file, alt: `Sample: ${name}` }));
    button.addEventListener("click", async () => take(await (await fetch(file)).blob(), `${name}.jpg`));
    at("samples").append(button);
  }
  at("samples").hidden = !samples.length;
}

/** Says something politely; `quietly` only to those who look. */
function say(text, quietly = false) {
  at("status").setAttribute("aria-live", quietly ? "off" : "polite");
  if (at("status").textContent !== text) at("status").textContent = text;
}

/** Says in one line what went wrong. */
function complain(reason) {
  at("problem").textContent = reason;
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(0);
}
