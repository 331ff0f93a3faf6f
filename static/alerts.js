// Keeps the list of alerts up to date without a reload. Without this script the page is the same, once.
"use strict";
(() => {
  const EVERY = 20000;
  const PARTS = ["#waiting", "nav"];

  // Somebody who is choosing how an alert ended must not lose the choice.
  const busy = () =>
    document.querySelector("#waiting :checked") || document.querySelector("#waiting")?.contains(document.activeElement);

  const refresh = async () => {
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "fetch" }, cache: "no-store" });
    // The session is over: the page itself says so.
    if (answer.redirected) return location.reload();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of PARTS) {
      const old = document.querySelector(part);
      const now = fresh.querySelector(part);
      const held = part === "#waiting" && busy();
      if (old && now && !held && told(old) !== told(now)) old.replaceWith(document.adoptNode(now));
    }
  };

  // What a part says; the hidden form tokens differ each time.
  const told = (part) => part.textContent.replace(/\s+/g, " ");

  // Away from the network the list stays as it is, and the next time is soon.
  const look = () => document.hidden || refresh().catch(() => {});
  setInterval(look, EVERY);
  document.addEventListener("visibilitychange", look);
})();
