/* Judging: keeps the votes in the browser, and shows the pairs. */
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const FORMAT = "fastnst votes 1";
const STORE = `fastnst-compare-${data.page}`;
const CHOICES = ["left", "same", "right"];
const LABELS = { same: "No difference", photo: "Photo", painting: "Painting" };
// Narrow screens show wide pictures one above the other.
const SIDES = { left: ["Left", "Upper"], right: ["Right", "Lower"] };
const KEYS = { ArrowLeft: 0, ArrowDown: 1, ArrowRight: 2, 1: 0, 2: 1, 3: 2 };
const find = (id) => document.getElementById(id);

/* Votes, kept by the browser. */

let judges = [], current = null, revealed = false, keeps = true;

function restore() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE));
    if (kept) ({ judges, current, revealed } = kept);
  } catch {
    keeps = false;
  }
}

function save() {
  try {
    localStorage.setItem(STORE, JSON.stringify({ judges, current, revealed }));
  } catch {
    keeps = false;
  }
}

const judgeNow = () => judges.find((judge) => judge.id === current);

function addJudge(name) {
  const none = () => data.pairs.map(() => null);
  const votes = Object.fromEntries(data.questions.map((question) => [question.id, none()]));
  const id = range(4).map(() => Math.random().toString(36).slice(2, 6)).join("");
  judges.push({ id, name, votes });
  current = id;
  save();
}

const ballot = () => ({
  format: FORMAT,
  page: data.page,
  models: names(),
  questions: data.questions.map(({ id, text }) => ({ id, text })),
  photos: data.pairs.map((pair) => pair.name),
  judges,
});

function merge(text) {
  let votes;
  try {
    votes = JSON.parse(text);
  } catch {
    votes = null;
  }
  if (votes?.format !== FORMAT) return "is not a file of votes.";
  if (votes.page !== data.page) return "has votes on another page.";
  const fits = (judge) => data.questions.every(({ id }) => {
    const given = judge?.votes?.[id];
    return given?.length === data.pairs.length
      && given.every((vote) => vote === null || Object.hasOwn(SCORES, vote));
  });
  if (!Array.isArray(votes.judges) || !votes.judges.every(fits)) return "is damaged.";
  for (const judge of votes.judges) {
    const index = judges.findIndex((other) => other.id === judge.id);
    if (index < 0) judges.push(judge);
    else if (answered(judge) >= answered(judges[index])) judges[index] = judge;
  }
  save();
  return "";
}

/* Encoded, so that a glance at the source does not give them away. */
function names() {
  return JSON.parse(new TextDecoder().decode(
    Uint8Array.from(atob(data.names), (letter) => letter.charCodeAt(0))));
}

/* Order and sides: random, but the same again for the same seed and name. */

function generator(text) {
  let state = 2166136261;
  for (const letter of text) state = Math.imul(state ^ letter.codePointAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(values, random) {
  const left = [...values];
  return values.map(() => left.splice(Math.floor(random() * left.length), 1)[0]);
}

function planFor(name) {
  const random = generator(`${data.seed} ${name}`);
  const order = shuffled(range(data.pairs.length), random);
  // Each model is left in half of the pairs, so that a habit of choosing left cancels out.
  const odd = random() < 0.5 ? 1 : 0;
  const sides = shuffled(order.map((_, index) => (index + odd) % 2), random);
  return order.map((pair, index) => ({ pair, sides: sides[index] ? ["a", "b"] : ["b", "a"] }));
}

/* Screens. */

let plan = [], at = 0, question = 0;

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function show(screen) {
  for (const main of document.querySelectorAll("main")) main.hidden = main.id !== screen;
  document.body.className = screen;
  scrollTo(0, 0);
}

function labelled(name) {
  if (LABELS[name]) return [LABELS[name]];
  const [beside, stacked] = SIDES[name];
  return [element("span", { className: "beside", textContent: beside }),
    element("span", { className: "stacked", textContent: stacked })];
}

const plural = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

function showStart() {
  const minutes = Math.max(1, Math.round((data.pairs.length * data.questions.length * 5) / 60));
  const painting = data.painting ? ", in the style of one painting" : "";
  find("task").textContent =
    `You will see ${plural(data.pairs.length, "pair")} of pictures. Both pictures of a pair show ` +
    `the same photo, stylized in two ways${painting}. Answer ` +
    `${plural(data.questions.length, "question")} per pair; this takes about ` +
    `${plural(minutes, "minute")}.`;
  find("unsaved").hidden = keeps;
  find("name").value = "";
  find("resume").replaceChildren(...judges.map((judge) => {
    const total = data.pairs.length * data.questions.length;
    const state = answered(judge) < total ? "continue" : "finished";
    const button = element("button", { textContent: `${judge.name}: ${state}` });
    button.onclick = () => enter(judge.id);
    return button;
  }));
  show("start");
  find("name").focus();
}

function enter(id) {
  current = id;
  save();
  plan = planFor(judgeNow().name);
  at = plan.findIndex(({ pair }) => firstOpen(pair) < data.questions.length);
  if (at < 0) showDone();
  else showPair();
}

const voteOf = (index, pair) => judgeNow().votes[data.questions[index].id][pair];

function firstOpen(pair, from = 0) {
  while (from < data.questions.length && voteOf(from, pair)) from += 1;
  return from;
}

function showPair(asked = null) {
  const { pair, sides } = plan[at];
  const open = firstOpen(pair);
  question = asked ?? (open < data.questions.length ? open : 0);
  const pictures = data.pairs[pair];
  setPicture("left", pictures[sides[0]]);
  setPicture("right", pictures[sides[1]]);
  setPicture("photo", pictures.photo);
  setPicture("painting", data.painting);
  document.documentElement.classList.toggle("wide", pictures.a.width > 1.2 * pictures.a.height);
  find("count").textContent = `${at + 1} of ${plan.length}`;
  const bar = find("bar");
  bar.ariaValueMax = plan.length;
  bar.ariaValueNow = at;
  bar.firstElementChild.style.width = `${(100 * at) / plan.length}%`;
  find("back").disabled = at === 0 && question === 0;
  find("forward").disabled = open < data.questions.length;
  find("questions").replaceChildren(...data.questions.map((entry, index) => {
    const vote = voteOf(index, pair);
    const chosen = vote && (vote === "tie" ? "same" : vote === sides[0] ? "left" : "right");
    const row = element("fieldset", { className: index === question ? "asked" : "" },
      element("legend", { textContent: entry.text }));
    for (const [key, choice] of CHOICES.entries()) {
      const button = element("button", {}, element("kbd", { textContent: key + 1 }),
        ...labelled(choice));
      button.setAttribute("aria-pressed", choice === chosen);
      button.onclick = () => answer(index, choice);
      row.append(button);
    }
    return row;
  }));
  if (document.body.className !== "pair") show("pair");
}

function setPicture(name, picture) {
  const button = document.querySelector(`#pair [data-show=${name}]`);
  button.hidden = !picture;
  if (!picture) return;
  const image = button.querySelector("img");
  if (image.getAttribute("src") !== picture.src) image.src = picture.src;
  image.width = picture.width;
  image.height = picture.height;
}

function answer(index, choice) {
  const { pair, sides } = plan[at];
  const last = data.questions.length;
  const complete = firstOpen(pair) === last;
  const vote = choice === "same" ? "tie" : sides[choice === "left" ? 0 : 1];
  judgeNow().votes[data.questions[index].id][pair] = vote;
  save();
  // An answer that is changed leads to the next question; the last open one to the next pair.
  const open = Math.min(firstOpen(pair, index + 1), last);
  const next = complete ? index + 1 : open < last ? open : firstOpen(pair);
  if (next < last) showPair(next);
  else forward();
}

function forward() {
  if (firstOpen(plan[at].pair) < data.questions.length) return;
  at += 1;
  if (at < plan.length) showPair();
  else enter(current);
}

function back() {
  if (question > 0) return showPair(question - 1);
  if (at === 0) return;
  at -= 1;
  showPair(data.questions.length - 1);
}

function showDone() {
  if (revealed) return showResults();
  find("thanks").textContent = `Thank you, ${judgeNow().name}`;
  show("done");
}

function download() {
  const who = judges.map((judge) => judge.name.replace(/[^\p{L}\p{N}]+/gu, "-")).join("-");
  const file = new Blob([`${JSON.stringify(ballot(), null, 1)}\n`], { type: "application/json" });
  const link = element("a", { href: URL.createObjectURL(file), download: `votes-${who}.json` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/* Enlarged pictures: the other side replaces a picture in place, which shows every difference. */

const zoom = find("zoom");
const shown = () => [...document.querySelectorAll("#pair [data-show]")].filter((one) => !one.hidden);

function enlarge(name) {
  const image = document.querySelector(`#pair [data-show=${name}] img`);
  Object.assign(zoom.querySelector("img"), {
    src: image.src, alt: image.alt, width: image.naturalWidth, height: image.naturalHeight,
  });
  zoom.querySelector("nav").replaceChildren(
    ...shown().map(({ dataset }) => {
      const button = element("button", {}, ...labelled(dataset.show));
      button.setAttribute("aria-pressed", dataset.show === name);
      button.onclick = () => enlarge(dataset.show);
      return button;
    }),
    element("button", {
      className: "quiet", textContent: "✕", ariaLabel: "Close", onclick: () => zoom.close(),
    }));
  if (!zoom.open) zoom.showModal();
}

/* Events. */

find("enter").onsubmit = (event) => {
  event.preventDefault();
  const name = find("name").value.trim();
  if (!name) return;
  addJudge(name);
  enter(current);
};
for (const button of document.querySelectorAll("#pair [data-show]")) {
  button.onclick = () => enlarge(button.dataset.show);
}
zoom.querySelector("div").onclick = () => zoom.close();
find("back").onclick = back;
find("forward").onclick = forward;
find("next_judge").onclick = showStart;
find("reveal").onclick = showResults;
find("revise").onclick = () => {
  at = plan.length - 1;
  showPair(data.questions.length - 1);
};
document.querySelector(".another").onclick = showStart;
for (const button of document.querySelectorAll(".download")) button.onclick = download;
find("files").onchange = async (event) => {
  const problems = [];
  for (const file of event.target.files) {
    const problem = merge(await file.text());
    if (problem) problems.push(`${file.name} ${problem}`);
  }
  event.target.value = "";
  showResults();
  find("problem").textContent = problems.join(" ");
};
document.addEventListener("keydown", (event) => {
  if (document.body.className !== "pair" || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key;
  if (zoom.open) {
    if (key === "ArrowLeft" || key === "1") enlarge("left");
    if (key === "ArrowRight" || key === "3") enlarge("right");
    if (key === "z") zoom.close();
  } else if (key in KEYS) answer(question, CHOICES[KEYS[key]]);
  else if (key === "ArrowUp" || key === "Backspace") back();
  else if (key === "z") enlarge("left");
  else return;
  if (key !== "Escape") event.preventDefault();
});

restore();
if (revealed && judges.length) showResults();
else if (judgeNow()) enter(current);
else showStart();
