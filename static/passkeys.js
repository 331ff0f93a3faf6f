// Asks the browser for a passkey. Without this script the buttons for it stay hidden, and the rest works.
"use strict";
(() => {
  const known = window.PublicKeyCredential;
  if (!known || !known.parseCreationOptionsFromJSON || !known.parseRequestOptionsFromJSON) return;

  // The options stand in the page, or are asked for when somebody presses the button.
  const options = async (form) => {
    if (form.dataset.wanted) return JSON.parse(form.dataset.wanted).publicKey;
    const answer = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
    return (await answer.json()).request_options.publicKey;
  };

  const ask = async (form) => {
    const wanted = await options(form);
    return form.dataset.passkey === "create"
      ? navigator.credentials.create({ publicKey: known.parseCreationOptionsFromJSON(wanted) })
      : navigator.credentials.get({ publicKey: known.parseRequestOptionsFromJSON(wanted) });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const wrong = form.querySelector(".error[hidden]");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      wrong.hidden = true;
      try {
        form.elements.credential.value = JSON.stringify(await ask(form));
        form.submit();
      } catch {
        // Said no, no passkey here, or time is up: the browser has told why.
        wrong.hidden = false;
      }
    });
  }
})();
