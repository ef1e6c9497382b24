/* The phone's page: mirrors the feed of the server, and asks for what people do. */
"use strict";

const JUMPS = [["+1 min", 60, "1 minute"], ["+1 hour", 3600, "1 hour"], ["+1 day", 86400, "1 day"]];
const MOODS = {
  starting: "starting",
  playing: "at work",
  reloading: "loading the new version",
  broken: "an error; the last good version goes on",
  lost: "not connected: is cooee phone still running?",
};
const FATES = {
  queued: "queued", sending: "being sent", unknown: "not known to have arrived",
  sent: "sent", delivered: "delivered", failed: "failed", cancelled: "not sent",
};
const TICKS = {
  queued: "M7.5 1.2a4.3 4.3 0 1 0 .01 0M7.5 3.2v2.5l1.6 1",
  sending: "M7.5 1.2a4.3 4.3 0 1 0 .01 0M7.5 3.2v2.5l1.6 1",
  unknown: "M5.6 3.6a2 2 0 1 1 2.7 1.9c-.6.3-.8.7-.8 1.3M7.5 9.6v.1",
  sent: "M3.6 5.8l2.6 2.8 5-6.4",
  delivered: "M1.2 5.8l2.6 2.8 5-6.4M7 8.2l.5.5 5-6.4",
  failed: "M7.5 1.2a4.3 4.3 0 1 0 .01 0M7.5 3.2v2.9M7.5 7.9v.1",
  cancelled: "M7.5 1.2a4.3 4.3 0 1 0 .01 0M4.6 2.8l5.9 5.9",
};
const STEPS = {
  received: "Received", claimed: "Claimed", handler: "Handler", committed: "Committed", sent: "Sent",
};
const UNDERWAY = new Set(["queued", "sending", "unknown", "sent"]);
const DUE = { sleeps: "Wakes", begins: "Begins", listens: "Goes on" };
const STANDS = {
  asks: "waits for an answer",
  listens: "has heard a part, and listens for the rest",
  parked: "is suspended while another dialogue asks",
  sleeps: "sleeps",
  begins: "is about to begin",
};

const board = new Map();
const phones = new Map();
const stories = new Map();
const drafts = new Map(); // by phone, what was typed before the page was loaded again
let ahead = 0; // milliseconds from this browser's clock to the simulator's

// Elements: words only ever become text.

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== ""));
  return node;
}

function icon(path, box) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", box);
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

const byId = (id) => document.getElementById(id);
const unseen = (words) => el("span", { class: "unseen" }, words);

function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

function say(words) {
  write(byId("news"), words);
}

function complain(words) {
  write(byId("problem"), words);
  byId("problem").hidden = !words;
}

// Time and numbers, as people read them

const now = () => new Date(Date.now() + ahead);
const hour = (moment) => moment.toLocaleTimeString("en-AU", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const second = (moment) => moment.toLocaleTimeString("en-AU", { hourCycle: "h23" });
const date = (moment) => moment.toLocaleDateString("sv"); // 2026-11-25, of this browser's zone

function day(moment) {
  const year = moment.getFullYear() === now().getFullYear() ? {} : { year: "numeric" };
  return moment.toLocaleDateString("en-AU", { weekday: "short", day: "numeric", month: "short", ...year });
}

function moment(at) {
  return date(at) === date(now()) ? hour(at) : `${day(at)}, ${hour(at)}`;
}

function span(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90 && minutes !== 60) return `${minutes} min`;
  const hours = Math.round(seconds / 3600);
  if (hours < 36 && hours !== 24) return `${hours} h`;
  return plural(Math.round(seconds / 86400), "day");
}

function ms(took) {
  if (took >= 10000) return `${(took / 1000).toFixed(0)} s`;
  if (took >= 1000) return `${(took / 1000).toFixed(1)} s`;
  return `${took >= 10 ? took.toFixed(0) : took >= 0.095 ? took.toFixed(1) : took.toFixed(2)} ms`;
}

function spaced(number) {
  return number.replace(/^\+61(\d{3})(\d{3})(\d{3})$/, "+61 $1 $2 $3");
}

const plural = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;

// What people do

async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    complain("That did not reach the app. Is cooee phone still running?");
    return false;
  }
  const words = answer.status === 204 ? {} : await answer.json();
  complain(answer.ok ? "" : words.error);
  return answer.ok && words;
}

// Phones

function phone(n) {
  if (phones.has(n)) return phones.get(n);
  const title = `Phone ${n}`;
  const log = el("div", { class: "log", role: "log", tabindex: "0", "aria-label": `Conversation on phone ${n}` });
  const input = el("input", {
    type: "text", autocomplete: "off", dir: "auto", enterkeyhint: "send", maxlength: "2000", placeholder: "Text message",
    "aria-label": `Text message from phone ${n}`, "data-phone": n,
  });
  const button = el("button", { type: "submit", "aria-label": `Send from phone ${n}` }, icon("M8.5 14.5v-12M3.5 7.5l5-5 5 5", "0 0 17 17"));
  const form = el("form", { class: "compose" }, input, button);
  const time = el("span");
  const name = el("p", { class: "contact-name" });
  const number = el("p", { class: "contact-number" });
  const face = el("div", { class: "face", "aria-hidden": "true" });
  const signs = icon("M0 8h2v3H0zM4 5.5h2V11H4zM8 3h2v8H8zM12 .5h2V11h-2zM19 1.5h15a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2H19a2 2 0 0 1-2-2v-5a2 2 0 0 1 2-2zM37 4.5h1.2v3H37z", "0 0 39 12");
  const caption = el("h2", { class: "caption" }, title);
  const frame = el(
    "div", { class: "frame" },
    el("div", { class: "screen" },
      el("div", { class: "top", "aria-hidden": "true" }, time, signs),
      el("div", { class: "contact" }, face, name, number),
      log, form, el("div", { class: "home", "aria-hidden": "true" })),
  );
  const node = el("article", { class: "phone", "aria-label": title }, frame, caption);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const words = input.value;
    if (!words.trim() || input.readOnly) return;
    input.value = "";
    held.follows = true;
    if (!(await ask("/texts", { phone: n, text: words })) && !input.value) input.value = words;
  });
  byId("phones").append(node);
  input.value = drafts.get(n) ?? "";
  const held = { node, log, input, button, time, name, number, face, caption, bubbles: new Map(), days: new Map(), follows: true };
  phones.set(n, held);
  if (n === 1 && document.activeElement === document.body) input.focus();
  showContact(held);
  return held;
}

function showContact(held) {
  const status = board.get("status") ?? {};
  const called = (status.app ?? "").replace(/\.py$/, "").replace(/[_-]+/g, " ");
  const name = called.charAt(0).toUpperCase() + called.slice(1);
  write(held.name, name || "The app");
  write(held.face, (name || "?").charAt(0));
  write(held.number, status.ours ? spaced(status.ours) : "not connected yet");
  held.input.readOnly = !status.ours;
  held.button.disabled = !status.ours;
}

function showPhone(n, note) {
  const held = phone(n);
  write(held.caption, `Phone ${n} · ${spaced(note.number)}`);
  const log = held.log;
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const wanted = withDays(held, note.bubbles);
  const kept = new Set(wanted);
  for (const nodes of [held.bubbles, held.days]) {
    for (const [id, node] of nodes) if (!kept.has(node)) { node.remove(); nodes.delete(id); }
  }
  wanted.forEach((node, place) => {
    if (log.children[place] !== node) log.insertBefore(node, log.children[place] ?? null);
  });
  if (atEnd || held.follows) log.scrollTop = log.scrollHeight;
  held.follows = false;
}

function withDays(held, bubbles) {
  const wanted = [];
  let latest = "";
  for (const bubble of bubbles) {
    const at = new Date(bubble.at);
    if (date(at) > latest) { // a text that is on its way stands below later ones
      latest = date(at);
      wanted.push(dayNode(held, latest, at));
    }
    wanted.push(bubbleNode(held, bubble));
  }
  return wanted;
}

function dayNode(held, key, at) {
  if (!held.days.has(key)) held.days.set(key, el("time", { class: "day", datetime: key }));
  write(held.days.get(key), day(at));
  return held.days.get(key);
}

function bubbleNode(held, bubble) {
  if (!held.bubbles.has(bubble.id)) held.bubbles.set(bubble.id, el("div", { class: "text" }));
  showBubble(held.bubbles.get(bubble.id), bubble);
  return held.bubbles.get(bubble.id);
}

function showBubble(node, bubble) {
  const shape = JSON.stringify(bubble);
  if (node.dataset.shape === shape) return;
  const first = !node.dataset.shape;
  node.dataset.shape = shape;
  node.className = `text${bubble.from_phone ? " mine" : ""}${bubble.on_its_way ? " ahead" : ""}`;
  node.dataset.status = bubble.status;
  if (first) {
    node.append(unseen(bubble.from_phone ? "You: " : "The app: "), el("div", { class: "words", dir: "auto" }, bubble.text, pictures(bubble.media)), el("div", { class: "meta" }), el("div", { class: "note" }));
  }
  const at = new Date(bubble.at);
  const status = el("span", { "data-status": bubble.status, title: FATES[bubble.status] }, icon(TICKS[bubble.status], "0 0 15 11"), unseen(FATES[bubble.status]));
  const time = el("time", { datetime: bubble.at, title: at.toLocaleString("en-AU") }, !bubble.on_its_way ? hour(at) : UNDERWAY.has(bubble.status) ? "on its way" : FATES[bubble.status]);
  const parts = bubble.is_duplicate ? "the same again" : plural(bubble.segments, "segment");
  const wide = bubble.is_ucs2 ? [el("span", { class: "wide", title: "A character outside GSM-7 made this text UCS-2: 70 characters a segment, not 160" }, "UCS-2")] : [];
  node.querySelector(".meta").replaceChildren(time, el("span", { "aria-hidden": "true" }, "·"), el("span", {}, parts), ...wide, status);
  const note = node.querySelector(".note");
  write(note, withRetry(bubble));
  note.hidden = !note.textContent;
}

function pictures(urls) {
  return urls.length ? el("ul", { class: "pictures" }, ...urls.map((url) => el("li", {}, `Picture: ${url}`))) : null;
}

function withRetry(letter) {
  const due = letter.retry_at ? `It goes out at ${later(new Date(letter.retry_at))}.` : "";
  return [letter.note, due].filter(Boolean).join(" ");
}

const later = (at) => (date(at) === date(now()) ? second(at) : `${second(at)} on ${day(at)}`);

// The bar

function showStatus(status) {
  document.title = `${status.app} · cooee phone`;
  write(byId("app"), status.app);
  const words = status.phase === "broken" && !status.version ? "an error; nothing runs yet" : MOODS[status.phase];
  const version = status.phase === "playing" && status.version > 1 ? `, version ${status.version}` : "";
  showMood(status.phase, words + version);
  write(byId("route"), `${status.provider}: texts are ${status.pushed ? "pushed to the app" : "read by the app"}, over HTTP`);
  write(byId("knows"), knows(status.started));
  showSwitches(status.switches);
  showTrouble(status);
  byId("remarks").replaceChildren(...status.notes.map((words) => el("li", {}, words)));
  for (const held of phones.values()) showContact(held);
}

function knows(started) {
  if (!started) return "";
  const known = started.words.slice(0, 12).map((word) => `“${word}”`);
  if (started.words.length > 12) known.push(`${started.words.length - 12} more`);
  if (started.takes_any_text) known.push(known.length ? "every other text" : "every text");
  if (!known.length) return "The app has no handler yet: write a function below @app.on(\"HELLO\"), and save the file.";
  return `The app answers ${known.length > 1 ? `${known.slice(0, -1).join(", ")} and ${known.at(-1)}` : known[0]}.`;
}

function showReplyTimes(times) {
  const words = times && `From a text to its reply: half within ${ms(times.p50_ms)}, 99% within ${ms(times.p99_ms)}, of ${times.count}.`;
  byId("reply-times").hidden = !times;
  write(byId("reply-times"), words ?? "");
}

function showMood(mood, words) {
  byId("mood").dataset.mood = mood;
  write(byId("mood-words"), words);
}

function showSwitches(switches) {
  const place = byId("switches");
  for (const one of switches) {
    let node = place.querySelector(`[data-name="${one.name}"]`);
    if (!node) {
      node = el("button", { type: "button", class: "quiet switch", role: "switch", "data-name": one.name, title: one.help }, one.title);
      node.addEventListener("click", () => {
        const on = node.getAttribute("aria-checked") !== "true";
        ask("/switches", { name: one.name, on });
        say(`${one.title} ${on ? `is on. ${one.help}` : "is off."}`);
      });
      place.append(node);
    }
    node.setAttribute("aria-checked", String(one.is_on));
    node.disabled = !one.is_available;
    if (!one.is_available) node.title = "Only where texts are pushed: cooee phone --push";
  }
}

function showTrouble(status) {
  const place = byId("trouble");
  const shape = JSON.stringify(status.error);
  if (place.dataset.shape === shape) return;
  place.dataset.shape = shape;
  const mend = status.error?.file ? "Mend the file and save it." : "";
  const after = `${status.version ? "The version before goes on answering. " : ""}${mend}`;
  place.replaceChildren(...(status.error ? [trouble(status.error, after)] : []));
}

function retry(story) {
  if (!story.retry_at) return null;
  return timer([[new Date(story.retry_at), "It is tried again"]]);
}

function waitsFor(story) {
  const before = [...stories.values()].map((held) => held.story).find((other) =>
    other.retry_at && isBehind(story, other));
  if (!before) return null;
  const words = `It waits for “${before.text}”, which failed and comes first.`;
  return el("div", { class: "behind" }, el("p", { class: "aside" }, words), retry(before));
}

function trouble(wrong, after, next = null) {
  const lines = wrong.code.map(([n, code]) =>
    el("li", { class: n === wrong.line ? "here" : "" }, el("span", { class: "n" }, String(n)), code));
  const file = wrong.file.split("/").pop();
  return el("div", { class: "trouble" },
    el("p", { class: "trouble-words" }, wrong.message),
    wrong.file ? el("p", { class: "trouble-place" }, `${file}, line ${wrong.line}. ${after}`) : el("p", { class: "trouble-place" }, after),
    lines.length ? el("ol", { class: "excerpt", tabindex: "0", "aria-label": `${file}, around line ${wrong.line}` }, ...lines) : null, next);
}

function showTime() {
  const at = now();
  write(byId("clock"), `${day(at)}, ${second(at)}`);
  for (const held of phones.values()) write(held.time, hour(at));
  for (const node of document.querySelectorAll("time[data-until]")) showUntil(node);
  return at;
}

function tick() {
  setTimeout(tick, 1000 - showTime().getMilliseconds());
}

// Who waits, where, and until when

function showWaiting(number, note) {
  const list = byId("waits");
  let node = list.querySelector(`[data-number="${number}"]`);
  node?.remove();
  if (note) {
    node = el("div", { class: "waits", "data-number": number }, ...note.dialogues.map((one) => wait(one, number)));
    const after = [...list.children].find((other) => other.dataset.number > number);
    list.insertBefore(node, after ?? null);
    showStands(number);
  }
  byId("waiting").hidden = !list.children.length;
}

function showStands(number) {
  const running = [...stories.values()].map((held) => held.story)
    .filter((story) => story.theirs === number && story.status === "running").map((story) => story.handler);
  for (const node of document.querySelectorAll(`.waits[data-number="${number}"] .wait`)) {
    const runs = running.includes(node.dataset.handler);
    node.classList.toggle("runs", runs);
    write(node.querySelector(".stand"), runs ? "running" : STANDS[node.dataset.how]);
  }
}

function wait(one, number) {
  const since = new Date(one.since);
  const head = el("p", { class: "wait-head" },
    el("span", { class: "who" }, phoneOf(number)), el("span", { class: "by" }, `${one.handler}()`),
    el("span", { class: "stand" }),
    el("time", { class: "total", datetime: one.since, title: since.toLocaleString("en-AU") }, `since ${moment(since)}`));
  const words = one.prompt || (one.status === "asks" ? "Any text" : "");
  return el("article", { class: "wait", "data-how": one.status, "data-handler": one.handler },
    head, words ? el("p", { class: "wait-words", dir: "auto" }, words) : null, until(one), instead(one),
    one.error ? trouble(one.error, "Mend it and save the file.") : null,
    one.error?.file ? null : place(one), remembered(one.journal_steps));
}

function until(one) {
  const due = one.due_at && new Date(one.due_at);
  const deadline = one.deadline && new Date(one.deadline);
  const parts = [];
  if (due && !(deadline && due >= deadline - 1000)) parts.push([due, DUE[one.status] ?? "Reminds"]);
  if (deadline) parts.push([deadline, "The time is up"]);
  return parts.length ? timer(parts) : null;
}

function timer(parts) {
  return el("p", { class: "until" },
    ...parts.map(([at, what]) => {
      const node = el("time", { datetime: at.toISOString(), "data-until": what, title: at.toLocaleString("en-AU") });
      showUntil(node);
      return node;
    }), skip(parts[0]));
}

function showUntil(node) {
  const at = new Date(node.dateTime);
  const left = (at - now()) / 1000;
  write(node, `${node.dataset.until} ${left > 0 ? `in ${span(left)} (${moment(at)})` : "now"}`);
}

function skip([at, what]) {
  const button = el("button", { type: "button", class: "quiet", "aria-label": `Skip ahead: ${what}` }, "Skip ahead");
  button.addEventListener("click", async () => {
    const seconds = Math.max((at - now()) / 1000 + 0.02, 0);
    if (await ask("/clock", { seconds })) say(`The clock is ${span(seconds)} further.`);
  });
  return button;
}

function instead(one) {
  return one.divergence ? el("p", { class: "aside" }, `The code has changed since: it ${one.divergence} first. The next text is kept for the question above.`) : null;
}

function place(one) {
  if (!one.code.length) return null;
  const where = `${one.file.split("/").pop()}:${one.line}`;
  const lines = one.code.map(([n, code]) => el("li", {}, el("span", { class: "n" }, String(n)), code));
  return el("figure", { class: "source" }, el("figcaption", { class: "place", title: one.file }, where),
    el("ol", { class: "excerpt", tabindex: "0", "aria-label": `The line that waits: ${where}` }, ...lines));
}

function remembered(noted) {
  if (!noted.length) return null;
  const lines = noted.map((one) => el("li", {},
    one.step === "once" ? el("span", { class: "who" }, "once") : null,
    el("span", { class: "asked" }, one.step === "slept" ? `slept ${one.question}` : one.question || "any text"),
    ...(one.step === "slept" ? [] : [el("span", { class: "who", "aria-hidden": "true" }, "→"), el("b", {}, one.value)]),
    one.original_text ? el("span", { class: "who" }, `from “${one.original_text}”`) : null));
  return el("div", {}, el("h4", {}, "Remembered"), el("ul", { class: "noted" }, ...lines));
}

// The panel

function showStory(story) {
  byId("empty")?.remove();
  const held = stories.get(story.id) ?? addStory(story);
  const isRetryNew = held.story?.retry_at !== story.retry_at;
  held.story = story;
  showSummary(held.node.querySelector("summary"), story);
  showInside(held, story);
  if (isRetryNew) for (const other of stories.values()) if (isBehind(other.story, story)) showInside(other, other.story);
  showStands(story.theirs);
}

const isBehind = (story, other) => story.status === "waiting" && story.theirs === other.theirs && story.position > other.position;

function addStory(story) {
  const node = el("details", { class: "story", "data-number": story.position },
    el("summary", {}), el("div", { class: "inside" }));
  const held = { node, openedForReader: false };
  node.firstChild.addEventListener("click", () => { held.openedForReader = false; });
  const newest = byId("stories").firstElementChild;
  if (!newest || Number(newest.dataset.number) < story.position) {
    for (const other of stories.values()) {
      if (other.openedForReader && !other.node.contains(document.activeElement)) other.node.open = false;
    }
    node.open = held.openedForReader = true;
  }
  const after = [...byId("stories").children].find((other) => Number(other.dataset.number) < story.position);
  byId("stories").insertBefore(node, after ?? null);
  stories.set(story.id, held);
  return held;
}

function showSummary(node, story) {
  const whole = story.steps.reduce((sum, step) => sum + step.duration_ms, 0);
  const wrong = story.status === "failed";
  const outcome = story.status === "answered" ? ms(whole) : story.status;
  node.replaceChildren(
    el("span", { class: `said${story.by_timer ? " timer" : ""}`, dir: "auto" }, story.by_timer ? deed(story) : story.text),
    el("span", { class: "who" }, phoneOf(story.theirs)),
    el("span", { class: "by" }, story.handler ? `${story.handler.split("<locals>.").pop()}()` : story.status === "answered" ? "no handler" : ""),
    el("span", { class: "place" }, story.location || (story.handler && "cooee")),
    el("span", { class: `total${wrong ? " wrong" : ""}` }, outcome));
}

function deed(story) {
  return story.gap_s >= 1 ? `${span(story.gap_s)} later: ${story.text}` : story.text;
}

function phoneOf(number) {
  for (const [name, note] of board) if (name.startsWith("phone ") && note.number === number) return name;
  return spaced(number);
}

function showInside(held, story) {
  const inside = held.node.querySelector(".inside");
  const open = new Set([...inside.querySelectorAll("details[open]")].map((node) => node.dataset.key));
  const focused = inside.contains(document.activeElement) ? document.activeElement.parentElement?.dataset.key : null;
  const parts = [
    steps(story), story.error ? trouble(story.error, story.note, retry(story)) : null, waitsFor(story),
    story.duplicates ? el("p", { class: "aside" }, `It came ${story.duplicates + 1} times, and was answered once.`) : null,
    story.consent ? el("p", { class: "aside" }, story.consent) : null, unanswered(story), remembered(story.journal_steps), state(story), replies(story), committed(story), calls(story.exchanges),
  ];
  inside.replaceChildren(...parts.filter(Boolean));
  for (const node of inside.querySelectorAll("details")) node.open = open.has(node.dataset.key);
  if (focused) inside.querySelector(`[data-key="${focused}"] > summary`)?.focus();
}

function unanswered(story) {
  if (story.handler || story.status !== "answered" || story.outbounds.length || story.consent) return null;
  return el("p", { class: "aside" }, "No handler has these words. Write one below @app.on(…), or one below @app.otherwise, which takes every other text.");
}

function steps(story) {
  if (!story.steps.length) return null;
  const way = el("div", { class: "way", "aria-hidden": "true" }, ...story.steps.map((step) => {
    const bar = el("i");
    bar.style.flexGrow = String(Math.max(step.duration_ms, 0.01));
    return bar;
  }));
  const took = el("dl", { class: "took" }, ...story.steps.map((step) =>
    el("div", {}, el("dt", {}, STEPS[step.name]), el("dd", {}, ms(step.duration_ms)))));
  const reply = story.reply_ms === null ? null : el("p", { class: "aside" }, `Its reply left ${ms(story.reply_ms)} after the text.`);
  return el("div", { class: "steps" }, way, took, reply);
}

function state(story) {
  if (!story.state.length) return null;
  const lines = story.state.map((cell) =>
    el("tr", { class: cell.changed ? "changed" : "" },
      el("td", {}, cell.name, cell.changed ? unseen(" (changed)") : null),
      el("td", {}, value(cell.before)), el("td", {}, value(cell.after))));
  return el("table", {},
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "State"), el("th", { scope: "col" }, "before"), el("th", { scope: "col" }, "after"))),
    el("tbody", {}, ...lines));
}

function value(text) {
  if (!/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text)) return text || "–";
  const at = new Date(text);
  return `${day(at)}, ${second(at)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

function replies(story) {
  if (!story.outbounds.length) return null;
  const lines = story.outbounds.map((letter) => {
    const wrong = letter.status === "failed" || letter.status === "unknown";
    const tries = letter.attempts > 1 ? ` after ${letter.attempts} attempts` : "";
    return el("li", { class: "reply" }, el("q", { dir: "auto" }, letter.text, pictures(letter.media)),
      el("span", { class: `fate${wrong ? " wrong" : ""}` }, FATES[letter.status] + tries + (withRetry(letter) && `. ${withRetry(letter)}`)));
  });
  return el("div", {}, el("h3", {}, lines.length === 1 ? "Reply" : "Replies"), el("ul", { class: "replies" }, ...lines));
}

function committed(story) {
  if (!story.committed.length) return null;
  return el("p", { class: "aside committed" }, `In one commit: ${story.committed.join(", ")}.`);
}

function calls(exchanges) {
  if (!exchanges.length) return null;
  const lines = exchanges.map((one) => call(one, 1));
  return el("div", {}, el("h3", {}, "HTTP"), el("div", { class: "calls" }, ...lines));
}

function call(one, times) {
  const path = one.url.replace(/^https?:\/\/[^/]+/, "");
  const wrong = !one.status || one.status >= 400;
  const outcome = one.status ? String(one.status) : "no answer";
  return el("details", { class: "call", "data-key": `call ${one.id}` },
    el("summary", {},
      el("span", {}, one.from_app ? "→" : "←", unseen(one.from_app ? " from the app " : " to the app ")),
      el("span", {}, `${one.method} ${path}`),
      el("span", { class: `code${wrong ? " wrong" : ""}` }, outcome),
      times > 1 ? el("span", { class: "who" }, `×${times}`) : null,
      el("span", { class: "took-ms" }, ms(one.duration_s * 1000))),
    el("pre", { class: "wire", role: "group", tabindex: "0", "aria-label": `${one.method} ${path}` }, wire(one)));
}

function wire(one) {
  const head = (headers) => Object.entries(headers).map(([name, value]) => `${name}: ${value}`).join("\n");
  const asked = [`${one.method} ${one.url}`, head(one.request_headers), pretty(one.request_body)];
  const answered = [one.status ? `${one.status}` : one.failure || "no answer", head(one.response_headers), pretty(one.response_body)];
  return [...asked, "", ...answered].filter((line, place) => line || place === 3).join("\n");
}

function pretty(body) {
  if (!body) return "";
  try { return `\n${JSON.stringify(JSON.parse(body), null, 2)}`; } catch { return `\n${body}`; }
}

function showTraffic(exchanges) {
  const list = byId("traffic-list");
  const open = new Set([...list.querySelectorAll("details[open]")].map((node) => node.dataset.key));
  if (list.contains(document.activeElement)) return;
  byId("traffic").hidden = !exchanges.length;
  list.className = "calls";
  list.replaceChildren(...exchanges.map((one) => call(one, one.times)));
  for (const node of list.children) node.open = open.has(node.dataset.key);
}

// The feed

function apply(values) {
  const names = Object.keys(values);
  for (const name of names) {
    if (values[name] === null) board.delete(name);
    else board.set(name, values[name]);
  }
  const order = (name) => (name === "status" ? 0 : name.startsWith("phone ") ? 1 : 2);
  names.sort((one, other) => order(one) - order(other) || number(one) - number(other));
  for (const name of names) {
    const note = values[name];
    const [kind, id] = name.split(" ");
    if (kind === "waiting") showWaiting(id, note);
    else if (kind === "latency") showReplyTimes(note);
    else if (note === null) {
      stories.get(id)?.node.remove();
      stories.delete(id);
    } else if (kind === "status") showStatus(note);
    else if (kind === "phone") showPhone(Number(id), note);
    else if (kind === "story") showStory(note);
    else if (kind === "traffic") showTraffic(note);
  }
}

function number(name) {
  return Number(name.startsWith("phone ") ? name.slice(6) : board.get(name)?.position ?? 0);
}

function begin() {
  for (const [words, seconds, long] of JUMPS) {
    const button = el("button", { type: "button", class: "quiet", "aria-label": `${words}: advance the clock by ${long}` }, words);
    button.addEventListener("click", async () => {
      if (await ask("/clock", { seconds })) say(`The clock is ${long} further.`);
    });
    byId("jumps").append(button);
  }
  byId("add").addEventListener("click", async () => {
    const made = await ask("/phones", {});
    if (made) phone(made.phone).input.focus();
  });
  document.addEventListener("visibilitychange", listen);
  addEventListener("pageshow", (shown) => shown.persisted && location.reload());
  bringDrafts();
  listen();
  tick();
}

// A browser keeps six connections to a server, for all its pages together: a page that is not
// seen lets go of its own, or the seventh would wait for ever.
let feed = null;

function listen() {
  if (document.hidden) {
    feed?.close();
    feed = null;
  } else if (!feed) {
    feed = new EventSource("/events");
    let isFirst = true;
    feed.onopen = () => { isFirst = true; };
    feed.onmessage = (event) => {
      const news = JSON.parse(event.data);
      ahead = news.now - Date.now();
      if (isFirst && isElsewhere(news.values)) return;
      if (isFirst) for (const name of board.keys()) news.values[name] ??= null;
      isFirst = false;
      apply(news.values);
      showTime();
    };
    feed.onerror = () => showMood("lost", MOODS.lost);
  }
}

// Another process answers now: its texts have the names of others.
function isElsewhere(values) {
  const before = board.get("status")?.session;
  if (!before || values.status?.session === before) return false;
  const drafts = [...phones].map(([n, held]) => [n, held.input.value]);
  sessionStorage.setItem("drafts", JSON.stringify(drafts.filter(([, words]) => words)));
  location.reload();
  return true;
}

function bringDrafts() {
  for (const [n, words] of JSON.parse(sessionStorage.getItem("drafts") ?? "[]")) drafts.set(n, words);
  sessionStorage.removeItem("drafts");
}

begin();
