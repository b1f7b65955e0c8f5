"use strict";
// The address after '#' says what is shown: all photos and which page of them, or what is like one.
// A picture that was sent has no address; going back and forth keeps it while the page is open.

const PHOTOS_ON_A_PAGE = 60;
const HITS_AT_FIRST = 24;
const MOST_HITS = 200;
const LARGEST_UPLOAD = 64 * 1024 * 1024;

const $ = (id) => document.getElementById(id);
let sent = null;          // the picture that was dropped, pasted or chosen
let sentAddress = null;   // what the browser shows it by
let shown = [];           // the photos of the list, for the viewer
let viewed = 0;
let hits = HITS_AT_FIRST;
let latest = 0;           // answers to earlier questions come too late, and are not shown

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function bytes(count) {
  const units = ["bytes", "KB", "MB", "GB"];
  let step = 0;
  while (count >= 1000 && step < units.length - 1) { count /= 1000; step += 1; }
  return `${step && count < 100 ? count.toFixed(1) : Math.round(count)} ${units[step]}`;
}

const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

// --- what is asked ----------------------------------------------------------------------------------

function route() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const crop = wanted.get("crop");
  if (wanted.has("like")) return { kind: "similar", id: wanted.get("like"), crop };
  if (wanted.has("picture") && sent) return { kind: "picture", crop };
  const page = Math.max(1, Number.parseInt(wanted.get("page"), 10) || 1);
  return { kind: "all", page, text: wanted.get("text") ?? "" };
}

function addressOf(page, text) {
  const wanted = new URLSearchParams();
  if (text) wanted.set("text", text);
  if (page > 1) wanted.set("page", page);
  return `#${wanted.toString() || "all"}`;
}

async function ask(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    throw new Error("The server does not answer. Has `imgsearch serve` been stopped?");
  }
  const reply = await answer.json();
  if (!answer.ok) {
    const problem = new Error(reply.error);
    problem.photo = reply.photo;
    throw problem;
  }
  return reply;
}

async function show({ keepPlace = false } = {}) {
  const turn = (latest += 1);
  const wanted = route();
  if (!keepPlace) hits = HITS_AT_FIRST;
  say("Searching…");
  $("photos").setAttribute("aria-busy", "true");
  try {
    const answer = await asked(wanted);
    if (turn === latest) tell(wanted, answer);
  } catch (error) {
    if (turn === latest) fail(wanted, error);
  }
  if (turn !== latest) return;
  $("photos").removeAttribute("aria-busy");
  if (!keepPlace) scrollTo(0, 0);
}

function asked(wanted) {
  const how = new URLSearchParams({ k: hits, group: Number($("group").checked) });
  if (wanted.crop) how.set("crop", wanted.crop);
  if (wanted.kind === "similar") return ask(`/api/similar?id=${encodeURIComponent(wanted.id)}&${how}`);
  if (wanted.kind === "picture") return ask(`/api/search?${how}`, { method: "POST", body: sent });
  const start = (wanted.page - 1) * PHOTOS_ON_A_PAGE;
  return ask(`/api/photos?${new URLSearchParams({ start, count: PHOTOS_ON_A_PAGE, text: wanted.text })}`);
}

// --- what is shown ----------------------------------------------------------------------------------

function say(text, isProblem = false) {
  $("status").textContent = text;
  $("status").className = isProblem ? "warn" : "soft";
}

function tell(wanted, answer) {
  head(wanted, answer.photo);
  list(answer.photos ?? answer.hits);
  if (wanted.kind !== "all") {
    say(`${plural(shown.length, "photo")}, most similar first. The score is the cosine similarity; 1 is the same.`);
    $("pages").hidden = true;
    $("more").hidden = shown.length < hits || hits >= MOST_HITS;
    return;
  }
  $("more").hidden = true;
  pages(wanted, answer.total);
}

function pages(wanted, total) {
  const count = Math.max(1, Math.ceil(total / PHOTOS_ON_A_PAGE));
  say(plural(total, "photo") + (wanted.text ? ` with “${wanted.text}” in folder or name` : ""));
  $("pages").hidden = count < 2 && wanted.page === 1;
  $("place").textContent = `Page ${wanted.page.toLocaleString("en")} of ${count.toLocaleString("en")}`;
  $("previous").disabled = wanted.page <= 1;
  $("next").disabled = wanted.page >= count;
}

function fail(wanted, error) {
  head(wanted, error.photo);
  list([]);
  say(error.message, true);
  $("pages").hidden = true;
  $("more").hidden = true;
}

function head(wanted, photo) {
  $("text").value = wanted.kind === "all" ? wanted.text : "";
  $("asked").hidden = wanted.kind === "all";
  $("group-choice").hidden = wanted.kind === "all";
  document.title = "imgsearch";
  if (wanted.kind === "all") return;
  const name = photo?.name ?? (wanted.kind === "picture" ? sent.name || "the pasted picture" : "this photo");
  const address = wanted.kind === "picture" ? sentAddress : `/thumb/${encodeURIComponent(wanted.id)}`;
  $("asked-title").textContent = wanted.crop ? `Photos like a part of ${name}` : `Photos like ${name}`;
  $("whole").hidden = !wanted.crop;
  $("whole").href = wholeAddress(wanted);
  place($("asked-part"), wanted.crop?.split(",").map(Number));
  document.title = `Like ${name} – imgsearch`;
  $("asked-facts").textContent = photo ? facts(photo) : bytesOf(wanted);
  const picture = $("asked-picture");
  picture.alt = name;
  if (picture.getAttribute("src") === address) return;
  picture.closest("figure").hidden = false;
  $("choose-part").hidden = false;
  picture.src = address;
}

const wholeAddress = (wanted) => (wanted.kind === "picture" ? "#picture" : `#like=${wanted.id}`);
const bytesOf = (wanted) => (wanted.kind === "picture" ? `${bytes(sent.size)}; it stays on this machine` : "");

function facts(photo) {
  const parts = [photo.folder, `${photo.width} × ${photo.height}`, photo.format, bytes(photo.size)];
  if (photo.taken) parts.push(`taken ${photo.taken.replace("T", " ")}`);
  if (photo.camera) parts.push(photo.camera);
  return parts.join(" · ");
}

function list(photos) {
  shown = photos;
  $("photos").replaceChildren(...photos.map(card));
}

function card(photo, number) {
  const picture = make("img", { alt: "", loading: "lazy", decoding: "async" });
  const link = make("a", { class: "thumb", href: `#like=${photo.id}`, "aria-label": `Find photos like ${photo.name}` }, picture);
  picture.addEventListener("error", () => excuse(photo, picture));
  picture.src = `/thumb/${photo.id}`;
  const score = photo.score === undefined ? [] : [scoreOf(photo)];
  const text = make("div", { class: "facts" },
    make("p", { class: "name", title: photo.name }, photo.name),
    make("p", { class: "folder", title: photo.folder }, photo.place), ...copiesOf(photo));
  const button = make("button", { class: "view", "aria-label": `View ${photo.name}`, title: "View", onclick: () => openViewer(number) }, "⤢");
  return make("li", { class: "card" }, link, ...score, button, text);
}

function copiesOf(photo) {
  if (!photo.copies?.length) return [];
  const names = photo.copies.map((copy) => `${copy.place}/${copy.name}`).join("\n");
  const count = photo.copies.length === 1 ? "1 copy" : `${photo.copies.length} copies`;
  return [make("p", { class: "more", title: names }, `and ${count}`)];
}

function scoreOf(photo) {
  return make("span", { class: "score" }, make("span", { class: "hidden" }, "Score "), photo.score.toFixed(3));
}

// A picture that cannot be shown makes room for the reason.
async function excuse(photo, picture) {
  let reason = "it cannot be shown";
  try {
    await ask(`/thumb/${photo.id}`);
  } catch (error) {
    reason = error.message ?? reason;
  }
  picture.replaceWith(make("span", { class: "problem" }, reason));
}

// --- one photo, large -------------------------------------------------------------------------------

function openViewer(place) {
  viewed = place;
  const photo = shown[place];
  const picture = $("viewer-picture");
  $("viewer-name").textContent = photo.name;
  $("viewer-facts").textContent = (photo.score === undefined ? "" : `score ${photo.score.toFixed(3)} · `) + facts(photo);
  $("viewer-similar").href = `#like=${photo.id}`;
  $("viewer-file").href = `/photo/${photo.id}`;
  $("viewer-problem").hidden = true;
  picture.hidden = false;
  picture.alt = photo.name;
  picture.src = `/photo/${photo.id}`;
  $("viewer-previous").disabled = place === 0;
  $("viewer-next").disabled = place === shown.length - 1;
  if (!$("viewer").open) $("viewer").showModal();
}

function step(by) {
  if (viewed + by in shown) openViewer(viewed + by);
}

$("viewer-picture").addEventListener("error", async () => {
  const photo = shown[viewed];
  $("viewer-picture").hidden = true;
  $("viewer-problem").hidden = false;
  $("viewer-problem").textContent = "…";
  let reason = "Your browser cannot show this file.";
  try {
    await ask(`/thumb/${photo.id}`);
  } catch (error) {
    reason = error instanceof SyntaxError ? reason : error.message;
  }
  if (photo === shown[viewed]) $("viewer-problem").textContent = reason;
});
$("viewer-previous").addEventListener("click", () => step(-1));
$("viewer-next").addEventListener("click", () => step(1));
$("viewer-close").addEventListener("click", () => $("viewer").close());
$("viewer-similar").addEventListener("click", () => $("viewer").close());
$("viewer").addEventListener("click", (event) => { if (event.target === $("viewer")) $("viewer").close(); });
$("viewer").addEventListener("close", () => {
  $("viewer-picture").removeAttribute("src");
  $("photos").children[viewed]?.querySelector("button").focus();
});
$("viewer").addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});

// --- a picture that is sent -------------------------------------------------------------------------

function search(files) {
  const file = [...(files ?? [])].find((each) => each.size > 0);
  if (!file) { say("There was no picture in that.", true); return; }
  if (file.size > LARGEST_UPLOAD) { say(`A picture may have ${bytes(LARGEST_UPLOAD)}.`, true); return; }
  if (sentAddress) URL.revokeObjectURL(sentAddress);
  sent = file;
  sentAddress = URL.createObjectURL(file);
  if (location.hash === "#picture") show();
  else location.hash = "picture";
}

$("asked-picture").addEventListener("error", (event) => {  // gone, or of a kind that browsers do not show
  event.target.closest("figure").hidden = true;
  $("choose-part").hidden = true;
});
$("file").addEventListener("change", (event) => { search(event.target.files); event.target.value = ""; });
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) { event.preventDefault(); search(event.clipboardData.files); }
});

const bringsFiles = (event) => event.dataTransfer.types.includes("Files");
let over = 0;  // a drag leaves one element after it has entered the next
document.addEventListener("dragenter", (event) => {
  if (bringsFiles(event)) { over += 1; $("drop").hidden = false; }
});
document.addEventListener("dragleave", (event) => {
  if (bringsFiles(event)) { over -= 1; $("drop").hidden = over <= 0; }
});
document.addEventListener("dragover", (event) => { if (bringsFiles(event)) event.preventDefault(); });
document.addEventListener("drop", (event) => {
  over = 0;
  $("drop").hidden = true;
  if (bringsFiles(event)) { event.preventDefault(); search(event.dataTransfer.files); }
});

// --- a part of the picture --------------------------------------------------------------------------

let part = [0.25, 0.25, 0.5, 0.5];  // left, top, width, height, as parts of the picture's sides
let corner = null;
const LEAST = 0.02;
const within = (value, most) => Math.min(Math.max(value, 0), most);

function place(element, numbers) {
  element.hidden = !numbers;
  if (!numbers) return;
  ["left", "top", "width", "height"].forEach((name, i) => { element.style[name] = `${numbers[i] * 100}%`; });
}

function setPart(numbers) {
  part = numbers;
  place($("frame"), part);
}

function pointAt(event) {
  const area = $("canvas").getBoundingClientRect();
  return [within((event.clientX - area.left) / area.width, 1), within((event.clientY - area.top) / area.height, 1)];
}

$("choose-part").addEventListener("click", () => {
  const wanted = route();
  $("cropper-picture").src = wanted.kind === "picture" ? sentAddress : `/photo/${encodeURIComponent(wanted.id)}`;
  setPart(wanted.crop?.split(",").map(Number) ?? [0.25, 0.25, 0.5, 0.5]);
  $("cropper").showModal();
  $("canvas").focus();
});
$("canvas").addEventListener("pointerdown", (event) => {
  corner = pointAt(event);
  $("canvas").setPointerCapture(event.pointerId);
});
$("canvas").addEventListener("pointermove", (event) => {
  if (!corner) return;
  const [x, y] = pointAt(event);
  const size = [Math.abs(x - corner[0]), Math.abs(y - corner[1])];
  if (Math.min(...size) >= LEAST) setPart([Math.min(x, corner[0]), Math.min(y, corner[1]), ...size]);
});
$("canvas").addEventListener("pointerup", () => { corner = null; });
$("canvas").addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (event.key === "Enter") {
    event.preventDefault();  // or the button that has the focus next is pressed with it
    searchPart();
  }
  if (!(event.key in moves)) return;
  event.preventDefault();
  const [x, y] = moves[event.key].map((by) => by * LEAST);
  const [left, top, width, height] = part;
  if (event.shiftKey) setPart([left, top, Math.max(LEAST, within(width + x, 1 - left)), Math.max(LEAST, within(height + y, 1 - top))]);
  else setPart([within(left + x, 1 - width), within(top + y, 1 - height), width, height]);
});

function searchPart() {
  const numbers = part.map((number) => Number(number.toFixed(4))).join(",");
  $("cropper").close();
  location.hash = `${wholeAddress(route()).slice(1)}&crop=${numbers}`;
}
$("cropper-search").addEventListener("click", searchPart);
$("cropper-close").addEventListener("click", () => $("cropper").close());

// --- going about ------------------------------------------------------------------------------------

$("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  location.hash = addressOf(1, $("text").value.trim());
});
const turnPage = (by) => {
  const wanted = route();
  location.hash = addressOf(wanted.page + by, wanted.text);
};
$("previous").addEventListener("click", () => turnPage(-1));
$("next").addEventListener("click", () => turnPage(1));
$("group").addEventListener("change", () => show({ keepPlace: true }));
$("more").addEventListener("click", () => {
  hits = Math.min(MOST_HITS, hits * 2);
  show({ keepPlace: true });
});
$("skip").addEventListener("click", (event) => { event.preventDefault(); $("photos").focus(); });
addEventListener("hashchange", () => show());
show();
