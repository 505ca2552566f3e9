/* The results, which reveal the models. */
"use strict";
const percent = (share) => `${Math.floor(100 * share + 0.5)}%`;
const label = (judge) => {
  const before = judges.slice(0, judges.indexOf(judge));
  const same = before.filter((other) => other.name === judge.name).length;
  return same ? `${judge.name} (${same + 1})` : judge.name;
};

function verdict(found, models) {
  if (found.preferred) return `${models[found.preferred === "a" ? 0 : 1]} is preferred.`;
  if (!found.photos) return "No votes yet.";
  return found.photos < MIN_PHOTOS
    ? `Too few photos to find a difference: ${found.photos} of at least ${MIN_PHOTOS}.`
    : "No difference was found.";
}

function countRow(entry, models) {
  const found = count(judges, entry.id, data.pairs.length);
  const all = found.a + found.tie + found.b || 1;
  const section = element("section", { className: "count" }, element("h2", { textContent: entry.text }),
    element("p", { className: "verdict", textContent: verdict(found, models) }));
  const bar = element("div", { className: "votes", ariaHidden: "true" });
  const legend = element("p", { className: "legend" });
  for (const [vote, name] of [["a", models[0]], ["tie", "no difference"], ["b", models[1]]]) {
    const part = element("i", { className: vote });
    part.style.flexGrow = found[vote] / all;
    bar.append(part);
    legend.append(element("span", { className: vote }, element("b", { textContent: found[vote] }), ` ${name}`));
  }
  if (found.share === null) {
    section.append(legend);
    return section;
  }
  const [low, high] = found.interval;
  const scale = element("div", { className: "scale", ariaHidden: "true" }, element("i"), element("b"));
  scale.style.setProperty("--low", low);
  scale.style.setProperty("--high", high);
  scale.style.setProperty("--share", found.share);
  section.append(bar, scale, legend, element("p", {
    className: "share",
    textContent: `Share of ${models[0]}: ${percent(found.share)} ` +
      `(95% interval ${percent(low)} to ${percent(high)})`,
  }));
  return section;
}

function showResults() {
  revealed = true;
  save();
  const models = names();
  find("versus").replaceChildren(
    element("span", { className: "a", textContent: models[0] }), " or ",
    element("span", { className: "b", textContent: models[1] }), "?");
  find("lede").textContent =
    `${plural(judges.length, "judge")} compared ${plural(data.pairs.length, "photo")}.`;
  find("counts").replaceChildren(...data.questions.map((entry) => countRow(entry, models)));
  const total = data.pairs.length * data.questions.length;
  find("judges").replaceChildren(...judges.map((judge) => {
    const remove = element("button", { className: "quiet", textContent: "Remove" });
    remove.onclick = () => {
      if (!confirm(`Remove the votes of ${label(judge)} from this page?`)) return;
      judges = judges.filter((other) => other !== judge);
      if (judge.id === current) current = null;
      save();
      if (judges.length) showResults();
      else showStart();
    };
    return element("li", {}, element("b", { textContent: label(judge) }),
      element("span", { textContent: `${answered(judge)} of ${total} answers` }), remove);
  }));
  find("agreements").replaceChildren(...judges.flatMap((one, index) =>
    judges.slice(index + 1).map((other) => element("p", { textContent: agreementText(one, other) }))));
  const photos = data.pairs.length;
  find("method").textContent =
    `The share of ${models[0]} counts "No difference" as half a vote for each model. ` +
    "Its 95% interval is Wilson's score interval. Photos are the sample: the votes of several " +
    "judges on one photo are averaged first, because they are not independent. A model is " +
    "preferred if the interval excludes 50%. " + (photos < MIN_PHOTOS
      ? `This takes at least ${MIN_PHOTOS} photos.`
      : `With ${photos} photos, this takes a share above ${percent(decidingShare(photos))}.`) +
    " Kappa is the agreement of two judges beyond chance (Cohen): 1 is full agreement, 0 is chance.";
  show("results");
}

function agreementText(one, other) {
  const { equal, both, kappa } = agreement(one, other);
  const pair = `${label(one)} and ${label(other)}`;
  if (!both) return `${pair} have no answered question in common.`;
  const rounded = kappa === null ? "undefined" : (Math.floor(100 * kappa + 0.5) / 100).toFixed(2);
  return `${pair} gave the same answer to ${equal} of ${both} questions ` +
    `(${percent(equal / both)}; kappa ${rounded}).`;
}
