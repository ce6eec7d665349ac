/* The first screen: a route, a day if wanted, and the flights that there are. Its state is in the address. */

import { flights, onReach, Unreachable } from "./api.js";
import { announce, clockTime, day, duration, el, replace, t, words } from "./dom.js";

const CITIES = ["KBP", "BCN", "WAW", "LWO", "VIE", "LIS"];
const NEAREST_DAYS = 3;
const DAY_MS = 86_400_000;

/** Shows the search that `params.query` has (from, to, date); Kyiv to Barcelona when it is empty. */
export async function show(root, { query, signal }) {
  const [from, to] = [known(query.get("from"), "KBP"), known(query.get("to"), "BCN")];
  const results = el("section", { class: "results", "aria-labelledby": "flights-title" });
  const view = { form: formOf({ from, to, date: isoDate(query.get("date")) }), results, signal, latest: null };
  view.form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(view);
  });
  const heading = el("h1", { tabindex: -1 }, t("search.title"));
  replace(root, el("div", { class: "lead" }, heading, el("p", { class: "muted" }, t("search.lead"))), view.form, results);
  const stop = onReach((reachable) => reachable && view.failed && look(view));
  await look(view);
  return stop;
}

const known = (code, otherwise) => (CITIES.includes(code) ? code : otherwise);
const isoDate = (text) => (/^\d{4}-\d\d-\d\d$/.test(text ?? "") ? text : "");
const city = (code) => words(`city.${code}`, code);

function formOf({ from, to, date }) {
  const cities = () => CITIES.map((code) => el("option", { value: code }, `${city(code)} (${code})`));
  const field = (id, label, ...parts) => el("div", { class: "field" }, el("label", { for: id }, label), parts);
  const start = el("select", { id: "from", name: "from", value: from }, cities());
  const end = el("select", { id: "to", name: "to", value: to }, cities());
  const swap = () => ([start.value, end.value] = [end.value, start.value]);
  const when = el("input", { id: "date", name: "date", type: "date", value: date, "aria-describedby": "date-hint" });
  return el(
    "form",
    { class: "search card", novalidate: true },
    field("from", t("search.from"), start),
    el("button", { class: "swap", type: "button", "aria-label": t("search.swap"), on: { click: swap } }, "⇄"),
    field("to", t("search.to"), end),
    field("date", t("search.date"), when, el("span", { class: "hint", id: "date-hint" }, t("search.date.hint"))),
    el("button", { class: "primary", type: "submit" }, t("search.submit")),
  );
}

const asked = ({ form }) => Object.fromEntries(["from", "to", "date"].map((name) => [name, form.elements[name].value]));

async function submit(view) {
  const { from, to, date } = asked(view);
  const address = `#/?${new URLSearchParams({ from, to, ...(date && { date }) })}`;
  // Not by way of the router: the form and the focus stay where they are.
  if (location.hash !== address) history.pushState(null, "", address);
  await look(view);
  announce(view.results.querySelector(".outcome")?.textContent ?? "");
}

/** Searches and shows what is found; a later search ends an earlier one. */
async function look(view) {
  view.latest?.abort();
  const latest = new AbortController();
  view.latest = latest;
  view.failed = false;
  view.results.setAttribute("aria-busy", "true");
  const signal = AbortSignal.any([latest.signal, view.signal]);
  const content = await contentOf(view, signal);
  if (signal.aborted) return;
  const heading = el("h2", { id: "flights-title", tabindex: -1 }, t("search.flights"));
  // What had the focus in the old answer, such as "Try again", goes with it.
  const hadFocus = view.results.contains(document.activeElement);
  replace(view.results, heading, content);
  view.results.removeAttribute("aria-busy");
  if (hadFocus) heading.focus();
}

async function contentOf(view, signal) {
  const { from, to, date } = asked(view);
  if (from === to) return outcome(t("search.same"));
  try {
    const found = await flights({ from, to, date }, signal);
    if (found.length) return listOf(found);
    const others = date ? await flights({ from, to }, signal) : [];
    return nothing(view, { from, to, date }, others);
  } catch (error) {
    if (signal.aborted) return null;
    view.failed = error instanceof Unreachable;
    return failure(view);
  }
}

const outcome = (text, ...more) => el("div", { class: "notice" }, el("p", { class: "outcome" }, text), ...more);

function failure(view) {
  const again = el("button", { class: "secondary", type: "button", on: { click: () => look(view) } }, t("error.again"));
  return outcome(t("search.failed"), again);
}

function nothing(view, { from, to, date }, others) {
  const cities = { from: city(from), to: city(to) };
  if (!others.length) return outcome(t("search.none", cities));
  const words = outcome(t("search.none.day", { ...cities, day: day(date) }), el("p", {}, t("search.nearest")));
  words.append(el("p", { class: "actions" }, nearestDays(others, date).map((found) => dayButton(view, found))));
  return words;
}

function nearestDays(others, date) {
  const away = (found) => Math.abs(Date.parse(found) - Date.parse(date)) / DAY_MS;
  const days = [...new Set(others.map((flight) => flight.departs_local.slice(0, 10)))];
  return days.sort((a, b) => away(a) - away(b)).slice(0, NEAREST_DAYS).sort();
}

function dayButton(view, found) {
  const choose = async () => {
    view.form.elements.date.value = found;
    await submit(view);
    // The button has gone with the answer it belonged to.
    view.results.querySelector("a")?.focus();
  };
  return el("button", { class: "secondary", type: "button", on: { click: choose } }, day(found));
}

function listOf(found) {
  const count = el("p", { class: "outcome hidden" }, t("search.found", { count: found.length }));
  return [count, el("ul", { class: "flights", role: "list", "aria-labelledby": "flights-title" }, found.map(itemOf))];
}

function itemOf(flight) {
  const on = day(flight.departs_local);
  const weekday = day(flight.departs_local, { weekday: "long" });
  const lengthS = (Date.parse(flight.arrives_at) - Date.parse(flight.departs_at)) / 1000;
  const name = t("search.choose.of", { number: flight.number, day: on });
  return el(
    "li",
    { class: "flight card" },
    el("p", { class: "when" }, el("strong", {}, on), el("span", { class: "muted" }, weekday)),
    el(
      "div",
      { class: "journey" },
      end(flight.departs_local, flight.origin),
      el("p", { class: "line muted small" }, duration(lengthS)),
      end(flight.arrives_local, flight.destination, isNextDay(flight)),
    ),
    el("p", { class: "craft muted small" }, el("span", {}, flight.number), el("span", {}, flight.aircraft)),
    el("a", { class: "button", href: `#/flights/${flight.flight_id}`, "aria-label": name }, t("search.choose")),
  );
}

const isNextDay = ({ departs_local, arrives_local }) => arrives_local.slice(0, 10) > departs_local.slice(0, 10);

function end(local, code, nextDay = false) {
  const place = el("span", { class: "muted" }, city(code));
  return el("p", { class: "end" }, el("strong", {}, clockTime(local)), place, nextDay && el("span", { class: "small" }, t("search.next_day")));
}
