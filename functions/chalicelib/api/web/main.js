/* The shell: language, header, routes, the banner of a lost network, and requests that a reload left without an answer. */

import { onReach, probe, Problem, reached, Unreachable } from "./api.js";
import { el, every, language, LANGUAGES, load, NotLoaded, replace, speak, t } from "./dom.js";
import * as kept from "./kept.js";

const LANGUAGE_KEY = "leleka.language";
const RELOADS_KEY = "leleka.reloads";
const RELOADS_MAX = 5;
const PROBE_MS = 4000;
/* The address after "#", and the module that shows it. Its groups become `params`. */
const ROUTES = [
  [/^\/$/, "search.js"],
  [/^\/flights\/(?<id>[\w-]+)$/, "seats.js"],
  [/^\/bookings$/, "bookings.js"],
  [/^\/bookings\/(?<ref>[\w-]+)$/, "booking.js"],
];
const main = document.getElementById("main");
let screen = null;

/**
 * Shows the screen of the address. A screen module exports `show(root, params)`: it draws its h1 before it first awaits,
 * resolves when all of it is drawn, and returns what is to be done on leaving. `params`: the route's groups, `query`
 * (URLSearchParams), `signal` (aborted on leaving), and `memory`, an object of the screen's own that outlives a change of
 * language, as the contents of named fields do.
 */
async function showScreen({ again = false, first = false } = {}) {
  const address = location.hash.slice(1) || "/";
  const memory = again ? screen.memory : {};
  const quiet = first || (again && !main.contains(document.activeElement));
  leave();
  const shown = { memory, ending: new AbortController(), leave: null };
  screen = shown;
  main.setAttribute("aria-busy", "true");
  const entered = () => shown === screen && enter({ quiet });
  try {
    await draw(address, shown, entered);
  } catch (error) {
    if (shown === screen) showFailure(error);
  }
  if (shown !== screen) return shown.leave?.();
  main.removeAttribute("aria-busy");
  entered();
}

async function draw(address, shown, entered) {
  const [path, query = ""] = address.split("?");
  const [module, groups] = match(path);
  if (!module) throw new Problem(404, {});
  const { show } = await load(module);
  if (shown !== screen) return;
  replace(main);
  const params = { ...groups, query: new URLSearchParams(query), signal: shown.ending.signal, memory: shown.memory };
  const showing = show(main, params);
  entered();
  shown.leave = await showing;
}

function match(path) {
  for (const [pattern, module] of ROUTES) {
    const found = pattern.exec(path);
    if (found) return [module, found.groups];
  }
  return [];
}

function leave() {
  screen?.ending.abort(new DOMException("the screen was left", "AbortError"));
  screen?.leave?.();
  if (screen) screen.leave = null;
}

let entering = null;

/** Title and focus of a new screen, once: as soon as it has an h1. */
function enter({ quiet }) {
  const heading = main.querySelector("h1");
  if (!heading) return;
  document.title = `${heading.textContent} · Leleka`;
  if (entering === screen) return;
  entering = screen;
  if (quiet) return;
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function showFailure(error) {
  const isLost = error instanceof Unreachable || error instanceof NotLoaded;
  if (!isLost && !(error instanceof Problem)) reportError(error);
  // A module that failed to load, or that is of another deployment than the page, is mended by a reload only.
  const needsReload = error instanceof NotLoaded || error instanceof SyntaxError;
  const again = async () => (needsReload && (await probe()) ? location.reload() : showScreen());
  const retry = el("button", { class: "primary", type: "button", on: { click: again } }, t("error.again"));
  const home = el("a", { class: "button", href: "#/" }, t("error.home"));
  const words = [el("h1", { tabindex: -1 }, t("error.title")), el("p", {}, t(isLost ? "error.unreachable" : reasonOf(error)))];
  replace(main, el("section", { class: "failure card" }, words, el("p", { class: "actions" }, retry, home)));
  screen.failed = isLost ? error : null;
  // The network may have come back while this was failing: from here on it is watched for.
  if (isLost) reached(false);
}

function reasonOf({ status }) {
  if (status === 404 || status === 422) return "error.missing";
  return status === 429 || status === 503 ? "error.busy" : "error.other";
}

function drawHeader() {
  document.getElementById("skip").textContent = t("shell.skip");
  document.getElementById("foot").textContent = t("shell.foot");
  document.getElementById("nav").setAttribute("aria-label", t("shell.bookings.menu"));
  drawCount();
}

/* In place: the link may have the focus when another tab books. */
function drawCount() {
  const count = kept.all().length;
  const badge = count > 0 && el("span", { class: "count" }, count);
  replace(document.querySelector("#nav a"), t("shell.bookings"), " ", badge);
}

function drawLanguages() {
  const group = document.getElementById("languages");
  group.setAttribute("aria-label", t("shell.language"));
  for (const button of group.children) {
    button.setAttribute("aria-pressed", String(button.lang === language()));
    button.onclick = () => choose(button.lang);
  }
}

async function choose(code) {
  if (code === language()) return;
  try {
    await (await load("language.js")).change(code, main, redraw, LANGUAGE_KEY);
  } catch (error) {
    if (!(error instanceof NotLoaded)) throw error;
    reached(false);
  }
}

function redraw() {
  drawLanguages();
  drawHeader();
  drawBanner();
  return showScreen({ again: true });
}

function preferred() {
  let saved = null;
  try {
    saved = localStorage.getItem(LANGUAGE_KEY);
  } catch {
    // Storage is blocked.
  }
  if (LANGUAGES.includes(saved)) return saved;
  return navigator.language.toLowerCase().startsWith("uk") ? "uk" : "en";
}

let online = true;
let stopProbe = null;

function network(now) {
  online = now;
  drawBanner();
  stopProbe?.();
  stopProbe = now ? null : every(PROBE_MS, probe, { later: true });
  if (!now) return;
  if (screen?.failed instanceof NotLoaded && mayReload()) return location.reload();
  if (screen?.failed) showScreen({ again: true });
  resume();
}

/* Not when a reload would lose what is kept in memory only, and not for ever. */
function mayReload() {
  try {
    const reloads = Number(sessionStorage.getItem(RELOADS_KEY) ?? 0);
    sessionStorage.setItem(RELOADS_KEY, String(reloads + 1));
    return kept.isDurable() && reloads < RELOADS_MAX;
  } catch {
    return false; // storage is blocked
  }
}

function drawBanner() {
  const banner = document.getElementById("banner");
  replace(banner, online ? null : el("p", {}, t("shell.offline")));
}

async function resume() {
  if (!kept.pending().length) return;
  try {
    await (await load("sending.js")).resume();
  } catch (error) {
    // Asked for again when the network is back.
    if (!(error instanceof NotLoaded)) reportError(error);
  }
}

async function start() {
  const wanted = preferred();
  // Without words there is nothing to show: asked for until they come.
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 8000)) {
    try {
      await speak(wanted);
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
  drawLanguages();
  drawHeader();
  kept.subscribe(drawCount);
  onReach(network);
  addEventListener("offline", () => reached(false));
  addEventListener("online", probe);
  addEventListener("hashchange", () => showScreen());
  document.getElementById("skip").addEventListener("click", skip);
  await showScreen({ first: true });
  await resume();
}

/* The address after "#" is the route, so the skip link can't be a plain jump. */
function skip(event) {
  event.preventDefault();
  (main.querySelector("h1") ?? main).focus();
}

start();
