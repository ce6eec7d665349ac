/* Elements, words and figures: what every screen is made of. Knows nothing of flights or bookings. */

const LOCALES = { en: "en-GB", uk: "uk-UA" };
const ANNOUNCED_MS = 8000;
const failedLoads = new Map();
const formats = new Map();
let dictionary = {};
let spoken = "en";

/** The languages that the page has. */
export const LANGUAGES = Object.keys(LOCALES);

/** The language of the page: "en" or "uk". */
export const language = () => spoken;

/**
 * Loads the words of a language and speaks it from now on. Rejects when they can't be loaded; then nothing changes.
 * @param {"en"|"uk"} wanted
 */
export async function speak(wanted) {
  dictionary = (await load(`words.${wanted}.js`)).default;
  spoken = wanted;
  document.documentElement.lang = wanted;
}

/** A module that could not be fetched. */
export class NotLoaded extends Error {}

/**
 * Imports a module of this folder, or throws NotLoaded. Chromium keeps a failed import for good, so the next try asks under
 * another address.
 * @param {string} name "seats.js"
 */
export async function load(name) {
  const failures = failedLoads.get(name) ?? 0;
  try {
    return await import(`./${name}${failures ? `?again=${failures}` : ""}`);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    failedLoads.set(name, failures + 1);
    throw new NotLoaded(name, { cause: error });
  }
}

/** Whether there are words under this key: for codes of the API that may be newer than the page. */
export const has = (key) => Object.hasOwn(dictionary, key);

/** The words of a key, or `otherwise` where there are none. */
export const words = (key, otherwise) => (has(key) ? t(key) : otherwise);

/**
 * The words of a key, with `{name}` filled from `values`. Words that depend on a number are an object by plural form (one,
 * few, many, other) and are chosen by `values.count`.
 * @param {string} key
 * @param {Record<string, string|number>} [values]
 */
export function t(key, values = {}) {
  let words = dictionary[key] ?? key;
  if (typeof words === "object") {
    words = words[new Intl.PluralRules(LOCALES[spoken]).select(values.count)] ?? words.other;
  }
  return words.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * An element. `props`: `class`, `on` ({event: listener}), `dataset`, `value`, and attributes: true sets one, false and null
 * leave it out (an `aria-*` false is written). Children are nodes, texts, or arrays of them; null and false are dropped.
 * Text stays text.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...any} children
 */
export function el(tag, props = {}, ...children) {
  const { on = {}, dataset = {}, value, ...attributes } = props ?? {};
  const node = document.createElement(tag);
  for (const [name, given] of Object.entries(attributes)) attribute(node, name, given);
  for (const [name, listener] of Object.entries(on)) node.addEventListener(name, listener);
  Object.assign(node.dataset, dataset);
  replace(node, ...children);
  // After the children: a select has no value before it has options.
  if (value !== undefined && value !== null) node.value = value;
  return node;
}

function attribute(node, name, given) {
  const said = name.startsWith("aria-") && given !== null && given !== undefined ? String(given) : given;
  if (said === null || said === undefined || said === false) return;
  node.setAttribute(name, said === true ? "" : said);
}

/** Puts `children` (as for `el`) in the place of what `parent` has. */
export function replace(parent, ...children) {
  const isNothing = (child) => child === null || child === undefined || child === false;
  parent.replaceChildren(...children.flat(Infinity).filter((child) => !isNothing(child)));
}

/**
 * Says something to screen readers only; with `assertive` at once, else when they pause.
 * @param {string} text
 * @param {{assertive?: boolean}} [how]
 */
export function announce(text, { assertive = false } = {}) {
  // A line of its own for each: the same words twice are said twice, and two at once don't overwrite each other.
  const line = el("p", {}, text);
  document.getElementById(assertive ? "assertive" : "polite").append(line);
  setTimeout(() => line.remove(), ANNOUNCED_MS);
}

/** An amount in minor units in words: `money(5490, "EUR")` is "€54.90". */
export function money(minor, currency = "EUR") {
  return number({ style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(minor / 100);
}

/** "10:40". A local time ("2027-06-15T10:40") is shown as it is, an instant ("…Z") on the customer's own clock. */
export const clockTime = (iso) => instant(iso, { hour: "2-digit", minute: "2-digit" });

/** "15 June 2027", of a local date or time, or of an instant; `options` as for Intl.DateTimeFormat. */
export const day = (iso, options = { dateStyle: "long" }) => instant(iso, options);

function instant(iso, options) {
  // An airport's local time is shown through UTC, so that the customer's own time zone can't shift it.
  const local = !/T.*(Z|[+-]\d\d:\d\d)$/.test(iso);
  const at = new Date(local ? `${iso.length > 10 ? iso : `${iso}T00:00`}Z` : iso);
  return new Intl.DateTimeFormat(LOCALES[spoken], local ? { ...options, timeZone: "UTC" } : options).format(at);
}

/** "3h 40m" of seconds; below a minute "0.3s". */
export function duration(s) {
  if (s < 59.95) return unit(s, "second", s < 10 ? 1 : 0);
  const minutes = Math.round(s / 60);
  const parts = [minutes >= 60 && unit(Math.floor(minutes / 60), "hour"), minutes % 60 > 0 && unit(minutes % 60, "minute")];
  return parts.filter(Boolean).join(" ");
}

/** "in 15 minutes", of seconds; never less than one. */
export function later(s) {
  return new Intl.RelativeTimeFormat(LOCALES[spoken]).format(Math.max(1, Math.ceil(s / 60)), "minute");
}

function unit(value, name, digits = 0) {
  // "3h" is English, "3г" is not Ukrainian.
  const unitDisplay = spoken === "en" ? "narrow" : "short";
  return number({ style: "unit", unit: name, unitDisplay, maximumFractionDigits: digits }).format(value);
}

/* A format costs more to make than to use, and a seat plan asks for the same one for each of its seats. */
function number(options) {
  const key = spoken + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(LOCALES[spoken], options));
  return formats.get(key);
}

/**
 * Calls `fn` now (with `later`, first after `ms`) and then again `ms` after each end of it, never twice at once. Rests while
 * the tab is hidden, and calls at once when it is shown again. An error of `fn` is reported and doesn't end it.
 * @param {number | (() => number)} ms
 * @param {() => any} fn
 * @param {{later?: boolean}} [start]
 * @returns {(() => void) & {now: () => void}} ends it; `.now()` calls at once, or right after the call that is under way
 */
export function every(ms, fn, { later = false } = {}) {
  let timer = 0;
  let running = false;
  let again = false;
  let ended = false;
  const run = async () => {
    clearTimeout(timer);
    if (running) {
      again = true;
      return;
    }
    running = true;
    again = false;
    try {
      await fn();
    } catch (error) {
      reportError(error);
    }
    running = false;
    wait(again ? 0 : undefined);
  };
  const wait = (pauseMs = typeof ms === "function" ? ms() : ms) => {
    if (!ended && !document.hidden) timer = setTimeout(run, pauseMs);
  };
  const look = () => (document.hidden ? clearTimeout(timer) : run());
  const stop = () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
  stop.now = () => ended || run();
  document.addEventListener("visibilitychange", look);
  if (later) wait();
  else if (!document.hidden) run();
  return stop;
}
