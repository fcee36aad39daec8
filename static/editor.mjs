// The rule editor: sends the form as it changes, and shows what the server makes of it.
// Without this script, the same form works by its buttons.

const form = document.getElementById("editor-form");
const editor = document.getElementById("editor");
const spoken = document.getElementById("spoken");
const undo = form.querySelector("[data-undo]");
const redo = form.querySelector("[data-redo]");
const MOST_STEPS = 50;
const AWAY = "The server cannot be reached. What you typed is still here.";

const past = [];
const future = [];
let isBusy = false;
let isTouched = false; // something was typed or chosen that the server has not been sent
let next = null; // what to do as soon as the answer is there
let released = null; // when the pointer leaves the button that it is pressing
let shown = state();

function state() {
  return [...new FormData(form)].filter(([name]) => !["csrf_token", "do", "why"].includes(name));
}

async function send(fields, button = null, done = keep) {
  isBusy = true;
  isTouched = false;
  const body = new URLSearchParams([["csrf_token", form.elements.csrf_token.value], ...fields]);
  if (button) body.append(button.name, button.value);
  const headers = { "X-Part": "editor", Accept: "text/html" };
  const response = await fetch(form.action, { method: "POST", headers, body }).catch(() => null);
  const html = [200, 422].includes(response?.status) ? await response.text() : null;
  await released; // or the click would find another button there
  if (html === null) {
    isBusy = false;
    spoken.textContent = AWAY;
    next = null;
    return;
  }
  if (isTouched) {
    send(state(), button); // what was typed meanwhile is not in this answer
    return;
  }
  show(html, button); // still busy, as what goes away there may say that it has changed
  isBusy = false;
  done();
  undo.setAttribute("aria-disabled", !past.length);
  redo.setAttribute("aria-disabled", !future.length);
  const then = next;
  next = null;
  then?.();
}

function keep() {
  const now = state();
  if (JSON.stringify(now) !== JSON.stringify(shown)) {
    past.push(shown);
    if (past.length > MOST_STEPS) past.shift();
    future.length = 0;
  }
  shown = now;
}

function show(html, button) {
  const active = document.activeElement;
  const { id, name, value, selectionStart, selectionEnd } = active;
  const isWithin = editor.contains(active);
  const isOpen = editor.querySelector("details.json")?.open;
  editor.innerHTML = html;
  if (isOpen) editor.querySelector("details.json").open = true;
  spoken.textContent = editor.querySelector(".said")?.textContent.trim() ?? "";
  const wanted = button && place(button);
  if (wanted) wanted.focus();
  if (wanted || !isWithin) return;
  const same = again(id, name, value) ?? undo;
  same.focus();
  if (Number.isInteger(selectionStart)) same.setSelectionRange?.(selectionStart, selectionEnd);
}

// Where to go on after a button: what moves can be moved on at once.
function place(button) {
  const begun = editor.querySelector("[data-focus]");
  const [, verb] = button.value.match(/^(up|down):/) ?? [];
  const mover = `:scope > .line > .tools > [value^="${verb}:"]`;
  return (verb && begun?.closest(".node")?.querySelector(mover)) ?? begun;
}

// The control that had the focus, by its id or by what it does.
function again(id, name, value) {
  if (id && document.getElementById(id)) return document.getElementById(id);
  const named = [...editor.querySelectorAll("[name]")].filter((each) => each.name === name);
  return named.find((each) => each.tagName !== "BUTTON" || each.value === value) ?? null;
}

// One step back or forth: the condition goes as JSON, as the fields there are of another one.
function go(from, to) {
  if (isBusy) {
    next ??= () => go(from, to);
    return;
  }
  const fields = from.at(-1);
  if (!fields) return;
  const base = shown.filter(([name]) => name === "base");
  const others = fields.filter(([name]) => !/^(c[.:]|base$)/.test(name));
  send([...others, ...base], null, () => {
    to.push(shown);
    from.pop();
    shown = state();
    spoken.textContent = to === future ? "Undone." : "Done again.";
  });
}

editor.addEventListener("input", () => {
  isTouched = true;
});
editor.addEventListener("change", () => {
  if (!isBusy) send(state());
});
form.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || button.name === "save") return;
  event.preventDefault();
  if (!isBusy) send(state(), button);
  else if (button.value) next ??= () => send(state(), button);
});
undo.addEventListener("click", () => go(past, future));
redo.addEventListener("click", () => go(future, past));
document.addEventListener("keydown", (event) => {
  const isInText = event.target.matches("input, textarea");
  if (isInText || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  event.preventDefault();
  (event.shiftKey ? redo : undo).click();
});
document.addEventListener("pointerdown", (event) => {
  if (!event.target.closest("button")) return;
  released = new Promise((resolve) => {
    const letGo = () => setTimeout(resolve);
    document.addEventListener("pointerup", letGo, { once: true });
    document.addEventListener("pointercancel", letGo, { once: true });
  });
});
undo.hidden = redo.hidden = false;
undo.setAttribute("aria-disabled", true);
redo.setAttribute("aria-disabled", true);
