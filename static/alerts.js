// Keeps the list of alerts and the first page up to date without a reload, calls out new alerts, and says when
// nobody checks them any more. Without this script the page is the same, once.
"use strict";
(() => {
  const EVERY = 10000;
  const STALE = 60;
  const PARTS = ["#waiting", "#needing", "#troubles", "#going", "#changes", "nav", "#checked"];

  // --- the list

  // Somebody who is choosing how an alert ended, or writing a note, must not lose it.
  const busy = () => {
    const list = document.querySelector("#waiting");
    return list && (list.querySelector(":checked") || list.contains(document.activeElement)
      || [...list.querySelectorAll("textarea")].some((note) => note.value));
  };

  const refresh = async () => {
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "fetch" }, cache: "no-store" });
    // The session is over: the page itself says so.
    if (answer.redirected) return location.reload();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const called = news(fresh);
    for (const part of PARTS) {
      const old = document.querySelector(part);
      const now = fresh.querySelector(part);
      if (!old || !now) continue;
      if (part === "#waiting" && busy()) add(old, now);
      else if (told(old) !== told(now)) put(old, document.adoptNode(now));
    }
    seenAt = performance.now();
    if (called) call();
    show();
  };

  // Whoever is on a link stays on it, and what was unfolded stays so. While somebody is on what has gone meanwhile,
  // the part waits for them to leave it.
  const put = (old, now) => {
    const on = document.activeElement;
    const there = old.contains(on) && twin(on, now);
    if (old.contains(on) && !there) return;
    old.querySelectorAll("details").forEach((one, place) => {
      const same = now.querySelectorAll("details")[place];
      if (same) same.open = one.open;
    });
    old.replaceWith(now);
    if (there) there.focus({ preventScroll: true });
  };

  const twin = (on, now) => [...now.querySelectorAll(on.localName)].find((one) =>
    one.getAttribute("href") === on.getAttribute("href") && told(one) === told(on));

  // What a part says; the hidden form tokens differ each time.
  const told = (part) => part.textContent.replace(/\s+/g, " ");

  // Beside somebody who is writing only what is new appears, above the rest.
  const add = (old, now) => {
    const missing = [...now.querySelectorAll("article")].filter((one) => !document.getElementById(one.id));
    old.prepend(...missing.map((one) => document.adoptNode(one)));
  };

  // Away from the network the list stays as it is, and the next time is soon. A page in the background asks
  // too: it is there to call somebody.
  const look = () => refresh().catch(() => {});
  setInterval(look, EVERY);
  document.addEventListener("visibilitychange", () => document.hidden || look());

  // --- new alerts, and new words in one that waits

  const waiting = (page) => [...page.querySelectorAll("[data-new]")].map((one) => `${one.id} ${one.dataset.new}`);
  const known = new Set(waiting(document));
  const news = (page) => {
    const found = waiting(page).filter((one) => !known.has(one));
    found.forEach((one) => known.add(one));
    return found.length > 0;
  };

  const plainTitle = document.title;
  const title = () => {
    const count = document.querySelectorAll("[data-new]").length;
    document.title = count ? `(${count}) ${plainTitle}` : plainTitle;
  };

  const box = document.querySelector("#call");
  const sound = box?.querySelector("[data-sound]");
  const notify = box?.querySelector("[data-notify]");
  let audio = null;

  // Two tones, twice. Browsers let a page sound only after somebody has pressed something on it.
  const ring = () => {
    if (!audio || audio.state !== "running") return;
    [0, 0.25, 0.7, 0.95].forEach((start, place) => {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      tone.frequency.value = place % 2 ? 660 : 880;
      volume.gain.value = 0.3;
      tone.connect(volume).connect(audio.destination);
      tone.start(audio.currentTime + start);
      tone.stop(audio.currentTime + start + 0.2);
    });
  };

  const spoken = document.querySelector("#news");
  const call = () => {
    ring();
    // Emptied first: the same words again would not be read out.
    if (spoken) spoken.textContent = "";
    if (spoken) setTimeout(() => { spoken.textContent = spoken.dataset.title; }, 200);
    if (notify?.getAttribute("aria-pressed") === "true") new Notification(box.dataset.title, { tag: "alert" });
  };

  const press = (button, on) => {
    button.setAttribute("aria-pressed", String(on));
    localStorage.setItem(button === sound ? "alert-sound" : "alert-notes", on ? "on" : "");
  };

  const wake = async () => {
    audio ||= new AudioContext();
    await audio.resume();
  };

  if (box) {
    box.hidden = false;
    sound.addEventListener("click", async () => {
      const on = sound.getAttribute("aria-pressed") !== "true";
      press(sound, on);
      if (!on) return (audio = await audio?.close()) || null;
      await wake();
      ring();
    });
    // Chosen once, it stays: the first press or key on a page opened later wakes the sound again.
    if (localStorage.getItem("alert-sound")) {
      sound.setAttribute("aria-pressed", "true");
      const again = () => sound.getAttribute("aria-pressed") === "true" && wake();
      document.addEventListener("pointerdown", again, { once: true });
      document.addEventListener("keydown", again, { once: true });
    }
    notify.hidden = !("Notification" in window);
    notify.addEventListener("click", async () => {
      const on = notify.getAttribute("aria-pressed") !== "true";
      press(notify, on && (await Notification.requestPermission()) === "granted");
    });
    const may = "Notification" in window && Notification.permission === "granted";
    notify.setAttribute("aria-pressed", String(may && localStorage.getItem("alert-notes") === "on"));
  }

  // --- the dead-man's switch: the page counts by itself, also when nothing answers any more

  let seenAt = performance.now();
  const show = () => {
    title();
    const line = document.querySelector("#checked");
    if (!line) return;
    const began = line.dataset.age;
    const age = began === undefined ? Infinity : Number(began) + Math.round((performance.now() - seenAt) / 1000);
    const seconds = line.querySelector("[data-seconds]");
    if (seconds && age !== Infinity) seconds.textContent = String(age);
    const old = age > STALE;
    if (old === line.classList.contains("old") && old === Boolean(line.querySelector(".late").textContent)) return;
    line.classList.toggle("old", old);
    line.querySelector(".late").textContent = old ? line.querySelector("template").content.textContent : "";
  };
  setInterval(show, 1000);
  show();
})();
