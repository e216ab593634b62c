// What the page does by itself: it hears from the server which places have changed, at most once a second, asks for its own URL again, and exchanges the
// elements with data-live. Without this module everything is still there: links, forms, and a reload.

const place = document.body.dataset.place;
const light = document.getElementById("live");
let seen = document.body.dataset.seen; // the place's number, as text, when this page was asked for, or its elements were last exchanged: what changed since must be shown
let missed = false; // something changed while nobody looked
let busy = false;
let again = false;

function say(state, text) {
  light.className = "live " + state;
  light.textContent = text;
}

/** Exchanges what is live on this page with what the server shows now. */
export async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { "X-Fragment": "1", Accept: "text/html" }, cache: "no-store" });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) { seen = undefined; return; }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const now of document.querySelectorAll("[data-live][id]")) {
      const next = fresh.getElementById(now.id);
      if (!next || next.isEqualNode(now)) continue;
      // What somebody works with is not taken from under their hands.
      if (now.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) continue;
      const focused = now.contains(document.activeElement) ? document.activeElement : null;
      const href = focused && focused.getAttribute("href");
      for (const open of now.querySelectorAll("details[open][id]")) {
        const same = next.querySelector("#" + CSS.escape(open.id));
        if (same) same.open = true;
      }
      now.replaceWith(document.adoptNode(next));
      if (href) next.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus();
    }
    document.dispatchEvent(new CustomEvent("refreshed"));
  } catch {
    seen = undefined; // the server is away: the stream says so and comes again, and what it tells first is news then
  } finally {
    // A server that has much to do is asked less.
    const pause = Math.max(900, 15 * (performance.now() - began));
    setTimeout(() => {
      busy = false;
      if (again) { again = false; refresh(); }
    }, pause);
  }
}

const newer = document.querySelector("#newer > p"); // on a page that is not exchanged under its reader's eyes: says that it would be another one now

if (newer || document.querySelector("[data-live]")) {
  const stream = new EventSource("/changes");
  stream.addEventListener("open", () => say("on", "live"));
  stream.addEventListener("error", () => say("off", stream.readyState === EventSource.CLOSED ? "not live" : "connecting"));
  stream.addEventListener("changed", (message) => {
    const number = JSON.parse(message.data)[place];
    if (number === undefined || String(number) === seen) return;
    seen = String(number);
    if (newer) newer.hidden = false;
    else if (document.hidden) missed = true;
    else refresh();
  });
  document.addEventListener("visibilitychange", () => { if (missed && !document.hidden) { missed = false; refresh(); } });
}

// What can be scrolled can be reached with the keyboard.
function reach() {
  for (const box of document.querySelectorAll(".scroll")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
reach();
addEventListener("resize", reach);
document.addEventListener("refreshed", reach);

// Selects of a filter apply at once; a button stands beside them for who has no script.
document.addEventListener("change", (e) => {
  if (e.target.matches("form[data-auto] select")) e.target.form.requestSubmit();
});

// Empty fields of a filter are left out of the URL, so that it can be shared.
document.addEventListener("submit", (e) => {
  if (!e.target.matches("form[data-auto]")) return;
  for (const field of e.target.elements) if (field.name && field.value === "") field.disabled = true;
});
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[data-auto] [disabled]")) field.disabled = false;
});
