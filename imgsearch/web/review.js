"use strict";
// What Python wrote: one block a group, and one for the whole page. A plan's entries stay text, for
// a time in nanoseconds is more than a JavaScript number can hold.
const read = (element) => JSON.parse(element.textContent);
const groups = [...document.querySelectorAll("script.group")].map(read);
const page = read(document.getElementById("page"));
const $ = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function bytes(count) {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let step = 0;
  while (count >= 1000 && step < units.length - 1) { count /= 1000; step += 1; }
  return `${step && count < 100 ? count.toFixed(1) : Math.round(count)} ${units[step]}`;
}

const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

// --- choices: which file of a group stays for sure, and which go ---------------------------------

// The plan's entry that would remove file i while `keeper` stays; null where nothing vouches for it.
// Only pairs with the proposed keeper were verified: once another file is kept in its place, only
// the proposed keeper itself can go.
function entryFor(group, keeper, i) {
  if (i === keeper) return null;
  if (keeper === 0) return group.members[i].entry;
  return i === 0 ? group.members[keeper].swap : null;
}

const proposal = (group) => ({
  keeper: 0,
  removed: group.members.flatMap((member, i) => (member.chosen && member.entry ? [i] : [])),
});

function valid(group, choice) {
  return Boolean(choice) && Number.isInteger(choice.keeper) && choice.keeper in group.members
    && Array.isArray(choice.removed) && choice.removed.every((i) => entryFor(group, choice.keeper, i));
}

const storageKey = `imgsearch-review-${page.key}`;
let stored = true;
let unsaved = false;
let changed = {};
try {
  changed = JSON.parse(localStorage.getItem(storageKey)) ?? {};
} catch (error) {
  stored = false;
}

const choices = groups.map((group) => {
  const earlier = changed[group.key];
  return valid(group, earlier) ? earlier : proposal(group);
});

function remember(number) {
  changed[groups[number].key] = choices[number];
  unsaved = true;
  try {
    localStorage.setItem(storageKey, JSON.stringify(changed));
  } catch (error) {
    stored = false;
  }
  refresh(number);
  showTotals();
}

function toggle(number, i) {
  const choice = choices[number];
  if (!entryFor(groups[number], choice.keeper, i)) return;
  choice.removed = choice.removed.includes(i)
    ? choice.removed.filter((other) => other !== i)
    : [...choice.removed, i].sort((one, other) => one - other);
  remember(number);
}

function keepAll(number) {
  const choice = choices[number];
  const all = groups[number].members.some((member) => member.entry);
  if (!all) return;
  choices[number] = choice.removed.length ? { keeper: 0, removed: [] } : proposal(groups[number]);
  remember(number);
}

function keepInstead(number, i) {
  if (i === 0) choices[number] = proposal(groups[number]);
  else choices[number] = { keeper: i, removed: [0] };
  remember(number);
}

// --- the plan -------------------------------------------------------------------------------------

function chosenEntries() {
  return groups.flatMap((group, number) => {
    const { keeper, removed } = choices[number];
    return removed.map((i) => entryFor(group, keeper, i));
  });
}

function savePlan() {
  const text = page.plan.before + chosenEntries().join(page.plan.between) + page.plan.after;
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  make("a", { href: address, download: page.plan.name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
  unsaved = false;
}

// What is free when some files go: a file of several names counts once, when the last of them goes.
function freedBy(members) {
  const going = new Map();
  let size = 0;
  for (const { file, links, size: own } of members) {
    going.set(file, (going.get(file) ?? 0) + 1);
    if (going.get(file) === links) size += own;
  }
  return size;
}

const removedOf = (group, number) => choices[number].removed.map((i) => group.members[i]);

function showTotals() {
  const removed = groups.flatMap(removedOf);
  const files = removed.length;
  const copies = groups.filter((group) => group.tier !== "similar");
  $("totals").replaceChildren(
    `${plural(copies.length, "group")}, ${plural(copies.reduce((sum, group) => sum + group.members.length, 0), "file")}. Chosen for removal: `,
    make("strong", {}, plural(files, "file")), ", frees ", make("strong", {}, bytes(freedBy(removed))), ".",
  );
  $("save").disabled = files === 0;
  $("storage").hidden = stored;
  $("storage").textContent = "This browser keeps nothing for this page: save the plan before you close it.";
}

// --- groups as cards, made when they come into view ------------------------------------------------

const sections = groups.map((group, number) => make("section", {
  class: "group", tabindex: "-1", "data-number": number,
  "aria-label": `Group ${number + 1}, ${group.tier}, ${plural(group.members.length, "file")}`,
}));

function factLine(member, keeper) {
  const line = make("p");
  const pixels = `${member.width} × ${member.height}`;
  line.append(`${pixels} · ${member.format} · ${bytes(member.size)}`);
  if (keeper && member.width * member.height > keeper.width * keeper.height) {
    line.append(" · ", make("span", { class: "better" }, "more pixels than the keeper"));
  }
  return line;
}

function thumbnail(group, number, i) {
  const member = group.members[i];
  const label = `Compare ${member.name}`;
  const content = member.thumb === null
    ? make("span", { class: "problem" }, `No preview: ${member.problem}`)
    : make("img", { src: group.thumbs[member.thumb], alt: "", decoding: "async" });
  return make("button", { class: "thumb", "aria-label": label, onclick: () => openZoom(number, i) }, content);
}

function buttons(group, number, i) {
  const { keeper, removed } = choices[number];
  const member = group.members[i];
  const line = make("div", { class: "choices" });
  if (entryFor(group, keeper, i)) {
    line.append(make("button", {
      "data-action": "toggle", "aria-pressed": String(removed.includes(i)), onclick: () => toggle(number, i),
      "aria-label": `Remove ${member.name}`,
    }, removed.includes(i) ? "Keep this too" : "Remove"));
  }
  if (i !== keeper && (keeper === 0 ? member.swap : i === 0)) {
    line.append(make("button", {
      "data-action": "instead", onclick: () => keepInstead(number, i), "aria-label": `Keep ${member.name} as the keeper`,
    }, "Make this the keeper"));
  }
  return line;
}

function stateOf(group, number, i) {
  const { keeper, removed } = choices[number];
  if (i === keeper && group.tier !== "similar") return ["keeper", "★ Keeper"];
  if (removed.includes(i)) return ["removed", "✕ Remove"];
  if (group.tier === "similar") return ["", "Not a copy"];
  if (keeper !== 0 && i !== 0) return ["", "Stays: not compared with this keeper"];
  return ["", group.members[i].entry || i === 0 ? "✓ Stays" : `✓ Stays: ${group.members[i].locked}`];
}

function card(group, number, i) {
  const member = group.members[i];
  const [kind, label] = stateOf(group, number, i);
  const verdict = i === 0 ? "" : `${member.tier ?? "not a copy"} · ${(Math.floor(member.score * 1000) / 1000).toFixed(3)} · `;
  return make("article", { class: `card ${kind}`, "aria-label": `${i + 1}: ${member.name}` },
    make("div", { class: "state" }, make("span", {}, label), make("span", { class: "number" }, String(i + 1))),
    thumbnail(group, number, i),
    make("div", { class: "facts" },
      make("p", { class: "name", title: member.name }, member.name), make("p", {}, member.folder),
      factLine(member, i ? group.members[0] : null), make("p", {}, member.date),
      make("p", { class: "why" }, verdict + member.reason)),
    buttons(group, number, i));
}

function fill(number) {
  const group = groups[number];
  const { removed } = choices[number];
  const freed = freedBy(removedOf(group, number));
  const head = make("div", { class: "group-head" },
    make("h2", {}, `Group ${number + 1}`), make("span", { class: "badge" }, group.tier),
    make("span", { class: "effect" }, group.tier === "similar" ? "all stay"
      : removed.length ? `removes ${plural(removed.length, "file")}, frees ${bytes(freed)}` : "all stay"));
  if (group.oversized) head.append(make("span", { class: "badge warn" }, "unusually large: nothing is proposed, look closely"));
  if (removed.length || proposal(group).removed.length) {
    head.append(make("button", { "data-action": "all", onclick: () => keepAll(number) },
      removed.length ? "Keep all" : "Back to the proposal"));
  }
  const cards = group.members.map((_, i) => card(group, number, i));
  sections[number].replaceChildren(head, make("div", { class: "cards" }, ...cards));
}

function refresh(number) {
  const section = sections[number];
  if (!section.firstChild) return;
  // The focused button is made anew; its successor takes the focus over.
  const held = section.contains(document.activeElement) && document.activeElement !== section
    ? [...section.querySelectorAll(".card")].findIndex((each) => each.contains(document.activeElement))
    : null;
  const action = document.activeElement?.dataset?.action;
  fill(number);
  if (held === null) return;
  const place = held < 0 ? section : section.querySelectorAll(".card")[held];
  (place.querySelector(`[data-action="${action}"]`) ?? place.querySelector("button") ?? section).focus();
}

const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting && !target.firstChild) fill(Number(target.dataset.number));
  }
}, { rootMargin: "1200px" });

// --- filter by tier -------------------------------------------------------------------------------

const shown = new Set(groups.map((group) => group.tier));

function applyFilter() {
  sections.forEach((section, number) => { section.hidden = !shown.has(groups[number].tier); });
  $("similar-part").hidden = !groups.some((group) => group.tier === "similar" && shown.has("similar"));
  $("empty").hidden = sections.some((section) => !section.hidden);
}

for (const tier of ["identical", "pixels", "copy", "edited", "similar"]) {
  const count = groups.filter((group) => group.tier === tier).length;
  if (!count) continue;
  const box = make("input", { type: "checkbox", checked: true });
  box.addEventListener("change", () => {
    if (box.checked) shown.add(tier); else shown.delete(tier);
    applyFilter();
  });
  $("tiers").append(make("label", { class: "tier-choice" }, box, `${tier} ${count}`));
}

// --- the side-by-side view ------------------------------------------------------------------------

const zoom = { number: 0, i: 1, view: "side", scale: 1, x: 0, y: 0, timer: 0 };
const panes = [$("pane-a"), $("pane-b")];

function show(pane, group, i) {
  const member = group.members[i];
  const picture = pane.querySelector("img");
  const small = member.preview ?? (member.thumb === null ? "" : group.thumbs[member.thumb]);
  let note = "";
  const caption = () => {
    const facts = [`${i + 1}. ${member.name}`, `${member.width} × ${member.height}`, bytes(member.size), member.folder];
    const text = facts.join(" · ") + note;
    pane.querySelector("figcaption").textContent = text;
    pane.querySelector("figcaption").title = text;
  };
  pane.whole = null;
  picture.alt = member.name;
  picture.hidden = !small;
  if (small) picture.src = small;
  else note = ` · cannot be read: ${member.problem}`;
  caption();
  if (member.url === null || member.thumb === null) return;
  const whole = new Image();
  pane.whole = whole; // the last one asked for wins
  whole.onload = () => { if (pane.whole === whole) picture.src = member.url; };
  whole.onerror = () => { if (pane.whole === whole) { note = " · small preview: the file is not where this page expects it"; caption(); } };
  whole.src = member.url;
}

function place() {
  const transform = `translate(${zoom.x * 100}%, ${zoom.y * 100}%) scale(${zoom.scale})`;
  for (const pane of panes) pane.querySelector("img").style.transform = transform;
}

function zoomBy(factor, x = 0.5, y = 0.5) {
  const scale = Math.min(40, Math.max(1, zoom.scale * factor));
  zoom.x = x - (x - zoom.x) * (scale / zoom.scale);
  zoom.y = y - (y - zoom.y) * (scale / zoom.scale);
  zoom.scale = scale;
  moveBy(0, 0);
}

function moveBy(x, y) {
  zoom.x = Math.min(0, Math.max(1 - zoom.scale, zoom.x + x));
  zoom.y = Math.min(0, Math.max(1 - zoom.scale, zoom.y + y));
  place();
}

function setView(view) {
  zoom.view = view;
  $("panes").dataset.view = view;
  for (const button of document.querySelectorAll("[data-view][aria-pressed]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  clearInterval(zoom.timer);
  panes.forEach((pane) => pane.classList.remove("off"));
  if (view !== "flicker") return;
  panes[1].classList.add("off");
  zoom.timer = setInterval(() => panes.forEach((pane) => pane.classList.toggle("off")), 700);
}

function zoomLabel() {
  const group = groups[zoom.number];
  const { keeper, removed } = choices[zoom.number];
  const button = $("zoom-toggle");
  button.disabled = !entryFor(group, keeper, zoom.i);
  const [, label] = stateOf(group, zoom.number, zoom.i);
  button.textContent = button.disabled ? label : removed.includes(zoom.i) ? "✕ Removed: keep it" : "✓ Stays: remove it";
}

function openZoom(number, i) {
  const group = groups[number];
  const { keeper } = choices[number];
  zoom.number = number;
  zoom.i = i === keeper ? group.members.findIndex((_, other) => other !== keeper) : i;
  Object.assign(zoom, { scale: 1, x: 0, y: 0 });
  show(panes[0], group, keeper);
  show(panes[1], group, zoom.i);
  place();
  zoomLabel();
  if (!$("zoom").open) { $("zoom").showModal(); setView("side"); }
}

function stepZoom(step) {
  const { members } = groups[zoom.number];
  const { keeper } = choices[zoom.number];
  let i = zoom.i;
  do { i = (i + step + members.length) % members.length; } while (i === keeper);
  openZoom(zoom.number, i);
}

function toggleInZoom() {
  toggle(zoom.number, zoom.i);
  zoomLabel();
}

for (const pane of panes) {
  const stage = pane.querySelector(".stage");
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    zoomBy(Math.exp(-event.deltaY / 300), (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }, { passive: false });
  stage.addEventListener("pointerdown", (event) => { stage.setPointerCapture(event.pointerId); event.preventDefault(); });
  stage.addEventListener("pointermove", (event) => {
    if (!stage.hasPointerCapture(event.pointerId)) return;
    moveBy(event.movementX / stage.clientWidth, event.movementY / stage.clientHeight);
  });
}
for (const button of document.querySelectorAll("button[data-view]")) {
  button.addEventListener("click", () => setView(button.dataset.view));
}
const clicks = {
  "zoom-in": () => zoomBy(1.5), "zoom-out": () => zoomBy(1 / 1.5), "zoom-fit": () => zoomBy(0),
  "zoom-next": () => stepZoom(1), "zoom-previous": () => stepZoom(-1),
  "zoom-toggle": toggleInZoom, "zoom-close": () => $("zoom").close(),
  save: savePlan, "help-button": () => $("help").showModal(), copy: copyCommand,
};
for (const [id, action] of Object.entries(clicks)) $(id).addEventListener("click", action);
$("zoom").addEventListener("close", () => { clearInterval(zoom.timer); go(zoom.number); });

function copyCommand() {
  getSelection().selectAllChildren($("command"));
  navigator.clipboard?.writeText($("command").textContent).then(() => { $("copy").textContent = "Copied"; }, () => {});
}

// --- keyboard -------------------------------------------------------------------------------------

let current = -1;

function go(number) {
  if (number < 0 || number >= groups.length) return;
  current = number;
  if (!sections[number].firstChild) fill(number);
  sections[number].focus({ preventScroll: true });
  sections[number].scrollIntoView({ block: "start" });
}

function step(by) {
  let number = current + by;
  while (number >= 0 && number < groups.length && sections[number].hidden) number += by;
  go(number);
}

const zoomKeys = {
  s: () => setView("side"), f: () => setView("flicker"), d: () => setView("difference"),
  x: toggleInZoom, "+": () => zoomBy(1.5), "=": () => zoomBy(1.5), "-": () => zoomBy(1 / 1.5), 0: () => zoomBy(0),
  ArrowLeft: () => stepZoom(-1), ArrowRight: () => stepZoom(1),
};

function groupKey(event) {
  if (event.key === "j") return step(1);
  if (event.key === "k") return step(-1);
  if (event.key === "?") return $("help").showModal();
  if (current < 0) return null;
  if (event.key === "a") return keepAll(current);
  if (/^[1-9]$/.test(event.key) && Number(event.key) <= groups[current].members.length) return toggle(current, Number(event.key) - 1);
  if ((event.key === " " || event.key === "Enter") && document.activeElement === sections[current]) {
    event.preventDefault();
    return openZoom(current, choices[current].keeper);
  }
  return null;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if ($("zoom").open) {
    if (event.key in zoomKeys) { event.preventDefault(); zoomKeys[event.key](); }
  } else if (!$("help").open) groupKey(event);
});
document.addEventListener("focusin", (event) => {
  const section = event.target.closest?.(".group");
  if (section) current = Number(section.dataset.number);
});
addEventListener("beforeunload", (event) => { if (unsaved && !stored) event.preventDefault(); });

sections.forEach((section, number) => {
  (groups[number].tier === "similar" ? $("similar") : $("groups")).append(section);
  observer.observe(section);
});
$("command").textContent = `imgsearch dupes apply ${page.plan.name}`;
$("left-out").hidden = page.left_out === null;
$("left-out").textContent = page.left_out ?? "";
applyFilter();
showTotals();
