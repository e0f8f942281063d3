"use strict";
const at = (id) => document.getElementById(id);
const form = at("form"), clip = at("clip"), drop = at("drop"), transcript = at("transcript");
const ORDER = ["audio", "text", "visual"];
let preview = "";

/* Everything that comes from outside is set as text. */
function make(name, text, kind) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

function draw(name, facts, text) {
  const shape = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(facts)) shape.setAttribute(key, value);
  if (text !== undefined) shape.textContent = text;
  return shape;
}

const signed = (score) => (score < 0 ? "−" : "+") + Math.abs(score).toFixed(2);
const percent = (share) => `${(100 * share).toFixed(0)} %`;
const seconds = (spent) => (spent < 0.1 ? `${(1000 * spent).toFixed(1)} ms` : `${spent.toFixed(2)} s`);
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1)} MB`;

function complain(sentence) {
  at("problem").textContent = sentence;
  at("problem").hidden = !sentence;
}

function showChosen() {
  const file = clip.files[0];
  URL.revokeObjectURL(preview);
  drop.hidden = Boolean(file);
  at("chosen").hidden = !file;
  complain("");
  if (!file) return at("preview").removeAttribute("src");
  preview = URL.createObjectURL(file);
  at("preview").hidden = false;
  at("preview").src = preview;
  at("chosen-name").textContent = `${file.name} (${megabytes(file.size)})`;
  if (file.size > Number(form.dataset.maxBytes)) {
    complain(`This file has ${megabytes(file.size)}; at most ${megabytes(form.dataset.maxBytes)} are taken.`);
  }
}

function told(values) {
  if (form.dataset.task === "regression") return signed(values.score);
  const [name, share] = Object.entries(values).sort((a, b) => b[1] - a[1])[0];
  return `${name} ${percent(share)}`;
}

function drawScale(score, interval) {
  const x = (value) => 300 + 90 * Math.max(-3, Math.min(3, value));
  const spoken = `${signed(score)} between −3 and +3` +
    (interval ? `; nine times in ten between ${signed(interval[0])} and ${signed(interval[1])}` : "");
  const figure = draw("svg", { viewBox: "0 0 600 88", role: "img", "aria-label": spoken, class: "scale" });
  if (interval) {
    const [low, high] = interval.map(x);
    figure.append(draw("rect", { class: "band", x: low, y: 12, width: high - low, height: 26, rx: 4 }));
  }
  figure.append(draw("line", { class: "axis", x1: 30, x2: 570, y1: 25, y2: 25 }));
  for (let value = -3; value <= 3; value += 1) {
    figure.append(draw("line", { class: "zero", x1: x(value), x2: x(value), y1: 21, y2: 29 }));
    figure.append(draw("text", { x: x(value), y: 57, "text-anchor": "middle" }, value < 0 ? `−${-value}` : value));
  }
  figure.append(draw("text", { x: 30, y: 81, "text-anchor": "start", class: "name" }, "negative"));
  figure.append(draw("text", { x: 570, y: 81, "text-anchor": "end", class: "name" }, "positive"));
  figure.append(draw("circle", { class: "point", cx: x(score), cy: 25, r: 9 }));
  const around = make("figure");
  around.append(figure);
  if (interval) {
    const where = `${signed(interval[0])} to ${signed(interval[1])}`;
    around.append(make("figcaption", `The band is where the truth lies nine times in ten: ${where}.`));
  }
  return around;
}

function drawBars(values) {
  const list = make("dl", undefined, "bars");
  Object.entries(values).sort((a, b) => b[1] - a[1]).forEach(([name, share], rank) => {
    const kind = rank ? "" : "first";
    const track = make("div", undefined, `track ${kind}`), bar = make("i");
    bar.style.width = `${100 * share}%`;
    track.append(bar);
    track.setAttribute("aria-hidden", "true");
    list.append(make("dt", name, kind), track, make("dd", percent(share), kind));
  });
  return list;
}

function modalityRow(answer, modality) {
  const row = make("tr"), head = make("th", modality);
  head.scope = "row";
  row.append(head);
  if (modality in answer.absent) {
    const reason = make("td", `no: ${answer.absent[modality]}`, "no");
    reason.colSpan = 2;
    row.append(reason);
  } else {
    const without = answer.without[modality];
    row.append(make("td", "yes"), make("td", without ? told(without) : "nothing would be left"));
  }
  return row;
}

function show(answer, source) {
  const isScore = form.dataset.task === "regression";
  at("source").textContent = source;
  at("verdict").textContent = isScore ? `${answer.label}, ${signed(answer.values.score)}` : answer.label;
  at("values").replaceChildren(
    isScore ? drawScale(answer.values.score, answer.interval) : drawBars(answer.values)
  );
  at("modalities").replaceChildren(...ORDER.map((modality) => modalityRow(answer, modality)));
  const { total, ...stages } = answer.seconds;
  at("total").textContent = seconds(total);
  at("seconds").replaceChildren(
    ...Object.entries(stages).flatMap(([stage, spent]) => [make("dt", stage), make("dd", seconds(spent))])
  );
  at("result").hidden = false;
  at("verdict").focus();
  at("result").scrollIntoView({ block: "nearest" });
}

async function ask(content) {
  const answer = await fetch(form.action, { method: "POST", body: content });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

function offered() {
  const content = new FormData(), words = transcript.value.trim();
  if (clip.files[0]) content.append("clip", clip.files[0]);
  if (words) content.append("transcript", words);
  return content;
}

function nameOf(words) {
  return [clip.files[0]?.name, words && `“${words.length > 80 ? `${words.slice(0, 79)}…` : words}”`]
    .filter(Boolean).join(" · ");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const content = offered();
  if (![...content.keys()].length) return complain("Choose a clip, type its words, or both.");
  if (clip.files[0]?.size > Number(form.dataset.maxBytes)) return showChosen();
  complain("");
  at("result").hidden = true;
  at("send").disabled = true;
  at("state").textContent = "Looking and listening …";
  try {
    show(await ask(content), nameOf(transcript.value.trim()));
    at("state").textContent = "";
  } catch (error) {
    const isLost = error instanceof TypeError || error instanceof SyntaxError;
    at("state").textContent = "";
    complain(isLost ? "The service does not answer. Is it still running?" : `No prediction: ${error.message}.`);
  } finally {
    at("send").disabled = false;
  }
});

for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
  });
}
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  const one = new DataTransfer();
  one.items.add(event.dataTransfer.files[0]);
  clip.files = one.files;
  showChosen();
});
clip.addEventListener("change", showChosen);
at("remove").addEventListener("click", () => {
  clip.value = "";
  showChosen();
  clip.focus();
});
at("preview").addEventListener("error", () => { at("preview").hidden = true; });
at("preview").addEventListener("loadedmetadata", (event) => {
  event.target.classList.toggle("sound", !event.target.videoWidth);
});
at("address").textContent = location.origin;
