// A file can be dragged onto the box, and the page of an import under way keeps itself up to date. Without
// this script a file is chosen as everywhere, and the page reloads by itself.
"use strict";
(() => {
  const EVERY = 1500;

  const box = document.querySelector("[data-drop]");
  const input = box?.querySelector("input[type=file]");
  if (box && input) {
    box.querySelector("[data-drop-hint]").hidden = false;
    const over = (on) => (event) => {
      event.preventDefault();
      box.classList.toggle("over", on);
    };
    box.addEventListener("dragover", over(true));
    box.addEventListener("dragleave", over(false));
    box.addEventListener("drop", (event) => {
      over(false)(event);
      if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
    });
  }

  // Anything that goes wrong here is tried again: the work itself does not depend on this page.
  const look = async () => {
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "fetch" }, cache: "no-store" });
    if (answer.redirected) return location.reload();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = fresh.querySelector("[data-progress]");
    if (!now || fresh.title !== document.title) return location.reload();
    document.querySelector("[data-progress]").replaceWith(document.adoptNode(now));
  };
  if (document.querySelector("[data-progress]")) setInterval(() => look().catch(() => {}), EVERY);
})();
