// Once Enroll is pressed, the way back leads to the patient and not to a form that was sent already. Without this
// script the browser asks whether to send the form again, and that leads to the patient too.
"use strict";
(() => {
  const form = document.querySelector("form.enroll");
  form?.addEventListener("submit", (event) => {
    if (event.submitter?.value !== "enroll") return;
    const key = form.elements.namedItem("key").value;
    history.replaceState(null, "", `${form.getAttribute("action")}?form=${encodeURIComponent(key)}`);
  });
})();
