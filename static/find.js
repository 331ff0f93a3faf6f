// Shows who is here already while a name, a number or an address is typed. Without this script the form of the
// page asks the same once it is sent, and the preview of an enrollment says who may be the same person.
"use strict";
(() => {
  const SOON = 200;
  const box = document.querySelector("#found[data-url]");
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!box || !token) return;

  let waiting = 0;
  let asked = "";
  let under = null;

  // Fields of one group are one question: a given name and a family name.
  const question = (field) =>
    [...document.querySelectorAll(`[data-find="${field.dataset.find}"]`)].map((one) => one.value.trim()).join(" ").trim();

  const ask = async (words) => {
    under?.abort();
    under = new AbortController();
    const answer = await fetch(box.dataset.url, {
      method: "POST",
      body: new URLSearchParams({ q: words }),
      headers: { "X-CSRFToken": token, "X-Requested-With": "fetch" },
      signal: under.signal,
    });
    // The session is over: the page itself says so when it is sent.
    if (answer.redirected || !answer.ok) return;
    const text = await answer.text();
    const fresh = new DOMParser().parseFromString(text, "text/html");
    box.replaceChildren(...fresh.body.childNodes);
    box.closest("[data-when-found]")?.toggleAttribute("hidden", !box.querySelector("li"));
  };

  document.addEventListener("input", (event) => {
    const field = event.target.closest("[data-find]");
    if (!field) return;
    const words = question(field);
    document.querySelectorAll("[data-copy]").forEach((copy) => { copy.value = words; });
    if (words === asked) return;
    asked = words;
    clearTimeout(waiting);
    // Away from the network the page works as it does without a script.
    waiting = setTimeout(() => ask(words).catch(() => {}), SOON);
  });
})();
