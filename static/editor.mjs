// The rule editor: sends the form as it changes, and shows what the server makes of it.
// Without this script, the same form works by its buttons.

const form = document.getElementById("editor-form");
const editor = document.getElementById("editor");
const spoken = document.getElementById("spoken");
const undo = form.querySelector("[data-undo]");
const redo = form.querySelector("[data-redo]");
const MOST_STEPS = 50;
const AWAY = "The server cannot be reached. What you typed is still here.";

let isBusy = false;
let waiting = null; // what to send as soon as the answer is there
let isTyping = false; // something is typed that has not been sent
let past = [];
let future = [];
let shown = state();

function state() {
  return [...new FormData(form)].filter(([name]) => !["csrf_token", "do", "why"].includes(name));
}

async function send(fields, button = null, { isStep = true } = {}) {
  if (isBusy) {
    waiting ??= { button };
    waiting.button ??= button;
    return;
  }
  isBusy = true;
  isTyping = false;
  const body = new URLSearchParams([["csrf_token", form.elements.csrf_token.value], ...fields]);
  if (button) body.append(button.name, button.value);
  const headers = { "X-Part": "editor", Accept: "text/html" };
  const response = await fetch(form.action, { method: "POST", headers, body }).catch(() => null);
  const html = [200, 422].includes(response?.status) ? await response.text() : null;
  isBusy = false;
  if (html === null) {
    spoken.textContent = AWAY;
    waiting = null;
    return;
  }
  show(html, button);
  keep(isStep);
  if (waiting) {
    const next = waiting;
    waiting = null;
    send(state(), next.button);
  }
}

function keep(isStep) {
  const now = state();
  if (isStep && JSON.stringify(now) !== JSON.stringify(shown)) {
    past = [...past, shown].slice(-MOST_STEPS);
    future = [];
  }
  shown = now;
  undo.disabled = !past.length;
  redo.disabled = !future.length;
}

function show(html, button) {
  const active = document.activeElement;
  const { id, name, value } = active ?? {};
  const isOpen = editor.querySelector("details.json")?.open;
  editor.innerHTML = html;
  if (isOpen) editor.querySelector("details.json").open = true;
  const next = button && editor.querySelector("[data-focus]");
  const same = next ?? again(id, name, value);
  if (same && isTyping && !next) same.value = value;
  if (editor.contains(same)) same.focus();
  spoken.textContent = editor.querySelector(".said")?.textContent.trim() ?? "";
}

// The control that had the focus, by its id or by what it does.
function again(id, name, value) {
  if (id && document.getElementById(id)) return document.getElementById(id);
  const named = [...editor.querySelectorAll("[name]")].filter((each) => each.name === name);
  return named.find((each) => each.tagName !== "BUTTON" || each.value === value) ?? null;
}

// One step back or forth: the condition goes as JSON, as the fields there are of another one.
function go(from, to) {
  const fields = from.pop();
  if (!fields || isBusy) return;
  to.push(shown);
  const base = shown.filter(([name]) => name === "base");
  const others = fields.filter(([name]) => !/^(c[.:]|base$)/.test(name));
  send([...others, ...base], null, { isStep: false });
}

editor.addEventListener("input", () => {
  isTyping = true;
});
editor.addEventListener("change", () => send(state()));
editor.addEventListener("focusout", () => {
  if (isTyping && !isBusy) send(state());
});
form.addEventListener("submit", (event) => {
  if (!event.submitter || event.submitter.name === "save") return;
  event.preventDefault();
  send(state(), event.submitter);
});
undo.addEventListener("click", () => go(past, future));
redo.addEventListener("click", () => go(future, past));
document.addEventListener("keydown", (event) => {
  const isInText = event.target.matches("input, textarea");
  if (isInText || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  event.preventDefault();
  (event.shiftKey ? redo : undo).click();
});
undo.hidden = redo.hidden = false;
undo.disabled = redo.disabled = true;
