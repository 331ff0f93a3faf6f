// Who else has an item of the inbox open, what is new in it, a list that keeps itself up to date, and keys.
// Without this script the page is the same, once.
"use strict";
(() => {
  const EVERY = 15000;
  const item = document.querySelector("#item[data-here]");
  const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value || "";

  // --- the item that is open

  const say = (line, words) => {
    if (!line) return;
    const place = line.querySelector("b") || line;
    if (place.textContent !== words) place.textContent = words;
    line.hidden = !words;
  };

  const beHere = async () => {
    if (!item || document.hidden) return;
    const answer = await fetch(item.dataset.here, {
      method: "POST",
      headers: { "X-CSRFToken": token(), "X-Requested-With": "fetch" },
    });
    // The session is over: the page itself says so.
    if (answer.redirected) return location.reload();
    if (!answer.ok) return;
    const news = await answer.json();
    say(item.querySelector("[data-looking]"), news.looking);
    say(item.querySelector("[data-answered]"), news.answered);
    const changed = item.querySelector("[data-news]");
    if (changed) changed.hidden = news.version === item.dataset.version;
  };

  // --- the list

  const links = () => [...document.querySelectorAll("#items a[data-item]")];

  const refresh = async () => {
    if (document.hidden) return;
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "fetch" }, cache: "no-store" });
    if (answer.redirected) return location.reload();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of ["#items", "nav", "#checked"]) {
      const old = document.querySelector(part);
      const now = fresh.querySelector(part);
      if (!old || !now || old.textContent === now.textContent) continue;
      const at = old.contains(document.activeElement) ? document.activeElement.dataset?.item : "";
      old.replaceWith(document.adoptNode(now));
      if (at) links().find((link) => link.dataset.item === at)?.focus();
    }
  };

  const quietly = (act) => () => act().catch(() => {});
  setInterval(quietly(beHere), EVERY);
  setInterval(quietly(refresh), EVERY);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { quietly(beHere)(); quietly(refresh)(); }
  });

  // --- keys

  const step = (by) => {
    const all = links();
    if (!all.length) return;
    const focused = all.indexOf(document.activeElement);
    const from = focused >= 0 ? focused : all.findIndex((link) => link.hasAttribute("aria-current"));
    all[Math.min(all.length - 1, Math.max(0, from < 0 ? 0 : from + by))].focus();
  };

  const acts = {
    j: () => step(1),
    ArrowDown: () => step(1),
    k: () => step(-1),
    ArrowUp: () => step(-1),
    a: () => document.querySelector("#item [data-acknowledge]")?.requestSubmit(),
    e: () => document.querySelector("#item [data-write]")?.click(),
    "?": () => {
      const keys = document.querySelector("#keys");
      keys.open = !keys.open;
      if (keys.open) keys.querySelector("summary").focus();
    },
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    // Arrows scroll a page; in the list they lead from line to line.
    if (event.key.startsWith("Arrow") && !event.target.closest("#items")) return;
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
})();
