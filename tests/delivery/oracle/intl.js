// What ICU says of dates, times and plurals. Reads {moments: {tag: [ISO 8601 in UTC]}, counts}
// as JSON on standard input, and writes {tag: {hours, moments, plurals}} on standard output.
"use strict";

const { moments, counts } = JSON.parse(require("fs").readFileSync(0, "utf8"));

function reader(tag) {
  const locale = `${tag}-u-ca-gregory-nu-latn`;
  const ask = (options) => new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" });
  const clock = { hour: "numeric", minute: "2-digit" };
  const asked = {
    long: ask({ weekday: "long", month: "long", day: "numeric" }),
    short: ask({ weekday: "short", month: "short", day: "numeric" }),
    halves: ask({ ...clock, hourCycle: "h12" }),
    whole: ask({ ...clock, hourCycle: "h23" }),
    parts: ask({ hour: "numeric", hourCycle: "h12", dayPeriod: "short" }),
  };
  return (moment) => {
    const at = new Date(moment);
    const part = (name, type) => asked[name].formatToParts(at).find((one) => one.type === type).value;
    return {
      weekday_long: part("long", "weekday"),
      weekday_short: part("short", "weekday"),
      month_long: part("long", "month"),
      month_short: part("short", "month"),
      day: part("long", "day"),
      hour12: part("halves", "hour"),
      hour24: part("whole", "hour"),
      minute: part("halves", "minute"),
      half: part("halves", "dayPeriod"),
      part: part("parts", "dayPeriod"),
    };
  };
}

const answers = Object.entries(moments).map(([tag, asked]) => {
  if (Intl.DateTimeFormat.supportedLocalesOf(tag).length === 0) return [tag, null];
  const plurals = new Intl.PluralRules(tag);
  const hours = new Intl.DateTimeFormat(tag, { hour: "numeric" }).resolvedOptions().hour12 ? "12" : "24";
  return [tag, { hours, moments: asked.map(reader(tag)), plurals: counts.map((n) => plurals.select(n)) }];
});
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
