// Whatever comes from a file is set as textContent: it is shown, and can never become part of the page.
const $ = (selector, within = document) => within.querySelector(selector);
const STAGES = ["store", "extract", "chunk", "embed", "index"];
const shown = new Map(); // document id → { item, lastEvent }

function show(id, state, lastEvent) {
  let known = shown.get(id);
  if (known && lastEvent <= known.lastEvent) return; // old news: the list and the events may overtake each other
  if (!known) {
    const item = $("#document").content.firstElementChild.cloneNode(true);
    $(".retry", item).onclick = () => send("POST", `/documents/${id}/retry`, item);
    $(".delete", item).onclick = () => send("DELETE", `/documents/${id}`, item);
    const after = [...shown.entries()].filter(([other]) => other < id).sort(([a], [b]) => b - a)[0];
    $("#documents").insertBefore(item, after ? after[1].item : null); // the latest first
    known = { item };
    shown.set(id, known);
  }
  known.lastEvent = lastEvent;
  const { item } = known;
  item.dataset.status = state.status;
  if (state.name) $(".name", item).textContent = state.name;
  $(".status", item).textContent = state.status.replace("_", " ").toLowerCase();
  $(".message", item).textContent = state.message;
  $("progress", item).value = state.progress;
  $("progress", item).setAttribute("aria-label", `${$(".name", item).textContent}: ${state.progress} %`);
  const at = STAGES.indexOf(state.stage);
  [...$(".stages", item).children].forEach((stage, number) => {
    const done = number < at || state.status === "COMPLETED";
    stage.className = done ? "done" : number === at ? "now" : "";
  });
  $(".retry", item).hidden = state.status !== "FAILED";
  if (state.status === "STORED") $(".message", item).textContent = "Stored";
  $("#none").hidden = shown.size > 0;
}

function forget(id) {
  shown.get(id)?.item.remove();
  shown.delete(id);
  $("#none").hidden = shown.size > 0;
}

async function load() {
  const answer = await fetch("/documents");
  if (!answer.ok) return;
  const list = await answer.json();
  const there = new Set(list.map((one) => one.id));
  [...shown.keys()].filter((id) => !there.has(id) && list.length < 100).forEach(forget);
  list.reverse().forEach((one) => show(one.id, one, one.last_event));
}

// A browser opens six connections to a server, for all of its tabs together, and a stream keeps one of them. So only one
// tab listens, and tells the others: the tab that holds the lock. When it is closed, the next one gets the lock.
const tabs = new BroadcastChannel("documents");
let listening = false;

function listen() {
  listening = true;
  tell({ line: "connecting …" });
  const events = new EventSource("/events"); // connects again by itself, and then says what it heard last
  events.onopen = () => tell({ line: "live" });
  events.onerror = () => {
    tell({ line: "connecting …" });
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 2000); // the answer was an error: it gave up
  };
  events.onmessage = ({ data, lastEventId }) => tell({ event: JSON.parse(data), number: Number(lastEventId) });
}

function tell(news) {
  hear(news);
  tabs.postMessage(news);
}

function hear({ line, event, number }) {
  if (line) {
    const before = $("#line").textContent;
    $("#line").textContent = line;
    if (line === "live" && before !== line) load(); // what happened until now
  } else if (event.status === "DELETED") forget(event.document_id);
  else if (shown.has(event.document_id)) show(event.document_id, event, number);
  else load(); // a new one: the list knows its name
}

tabs.onmessage = ({ data }) => {
  if (data !== "new tab") hear(data);
  else if (listening) tabs.postMessage({ line: $("#line").textContent });
};
tabs.postMessage("new tab");
if (!navigator.locks) listen(); // browsers have locks on localhost and with HTTPS only
else navigator.locks.request("listening", () => new Promise(listen)); // held until the tab is closed

async function send(method, path, item) {
  const answer = await fetch(path, { method });
  if (!answer.ok) $(".message", item).textContent = (await answer.json()).error.message;
}

async function upload(file) {
  const body = new FormData();
  body.append("file", file);
  let why;
  try {
    const answer = await fetch("/documents", { method: "POST", body });
    const said = await answer.json();
    why = answer.status === 200 ? `${file.name}: ${said.message}.` : said.error?.message;
  } catch {
    why = `${file.name} didn't reach the server.`;
  }
  if (!why) return;
  const line = document.createElement("li");
  line.textContent = why;
  $("#refusals").append(line);
}

async function uploadAll(files) {
  $("#refusals").replaceChildren();
  for (const file of files) await upload(file); // one after another: each has the whole line
}

$("#files").onchange = async ({ target }) => {
  await uploadAll([...target.files]);
  target.value = "";
};
const drop = $("#drop");
for (const name of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop") uploadAll([...event.dataTransfer.files]);
  });
}

$("#ask").onsubmit = async (event) => {
  event.preventDefault();
  const place = $("#answer");
  const said = document.createElement("p");
  place.replaceChildren(said);
  said.textContent = "…";
  try {
    const answer = await fetch("/questions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ question: $("#question").value }),
    });
    const found = await answer.json();
    said.textContent = found.error?.message ?? found.answer ?? "Nothing in your documents is about that.";
    said.className = found.answer ? "best" : "";
    const list = document.createElement("ol");
    for (const one of found.passages ?? []) {
      const item = $("#passage").content.firstElementChild.cloneNode(true);
      $(".source", item).textContent = `${one.document}, page ${one.page}`;
      $(".score", item).textContent = one.score.toFixed(2);
      $(".text", item).textContent = one.text;
      list.append(item);
    }
    place.append(list);
  } catch {
    said.textContent = "The server doesn't answer.";
  }
};
