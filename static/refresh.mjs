// Keeps regions of a page up to date, for those who want it: the server renders them again.

const SHORTEST = 2000;
const LONGEST = 30000;
const REMEMBERED = "keep-up-to-date";

const regions = [...document.querySelectorAll("[data-refresh]")];
const control = document.querySelector("[data-refresh-switch]");
const told = document.querySelector(".refresh [role=status]");

let delay = SHORTEST;
let timer;

function tell(text) {
  if (told.textContent !== text) told.textContent = text;
}

// Whoever is at work in a region keeps it as it is.
function isInUse(region) {
  return region.contains(document.activeElement);
}

async function refresh(region) {
  const response = await fetch(region.dataset.refresh, {
    headers: { Accept: "text/html" },
    redirect: "manual",
  });
  if (response.type === "opaqueredirect") throw new Error("Sign in again to keep this up to date.");
  if (!response.ok) throw new Error("This cannot be kept up to date at the moment.");
  const html = await response.text();
  if (html === region.known || isInUse(region)) return false;
  const isFirst = region.known === undefined;
  region.known = html;
  const parsed = new DOMParser().parseFromString(html, "text/html");
  if (isFirst && parsed.body.textContent.trim() === region.textContent.trim()) return false;
  region.replaceChildren(...parsed.body.childNodes);
  return true;
}

async function round() {
  try {
    const changed = await Promise.all(regions.map(refresh));
    delay = changed.includes(true) ? SHORTEST : Math.min(delay * 1.5, LONGEST);
    const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    if (changed.includes(true)) tell(`Changed at ${time}`);
  } catch (problem) {
    delay = LONGEST;
    tell(problem.message);
  }
  wait();
}

function wait() {
  clearTimeout(timer);
  if (control.checked && !document.hidden) timer = setTimeout(round, delay);
}

function begin() {
  delay = SHORTEST;
  wait();
}

function remembered() {
  try {
    return localStorage.getItem(REMEMBERED) === "yes";
  } catch {
    return false; // some browsers keep nothing
  }
}

control.closest("label").hidden = false;
control.checked = remembered();
control.addEventListener("change", () => {
  try {
    localStorage.setItem(REMEMBERED, control.checked ? "yes" : "no");
  } catch {
    // then it counts for this page only
  }
  tell("");
  begin();
});
document.addEventListener("visibilitychange", begin);
begin();
