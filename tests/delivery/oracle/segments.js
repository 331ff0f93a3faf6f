// How Twilio's own calculator packs texts. Reads [text] as JSON on standard input and writes
// [{encoding, units, parts}] on standard output; null where the package is not installed.
"use strict";

const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));

function calculator() {
  try {
    return require("sms-segments-calculator").SegmentedMessage;
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    return null;
  }
}

function packed(Message, text) {
  const message = new Message(text, "auto", false);
  const encoding = message.encodingName;
  const held = message.segments.map((segment) => [...segment].filter((one) => !one.isUserDataHeader));
  return {
    encoding,
    units: message.messageSize / (encoding === "GSM-7" ? 7 : 16),
    parts: held.map((characters) => characters.map((one) => one.raw).join("")),
  };
}

const Message = calculator();
process.stdout.write(JSON.stringify(Message && texts.map((text) => packed(Message, text))));
