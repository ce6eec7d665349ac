/* The seat plan of one flight: a grid that follows the sale, and beside it the order form or a kind refusal. */

import { call, flight as flightOf, reached } from "./api.js";
import { clockTime, day, el, every, load, money, NotLoaded, replace, t, words } from "./dom.js";
import * as kept from "./kept.js";

const REFRESH_MS = 3000;
/* Six abreast with one aisle: every aircraft of the schedule is so. */
const LETTERS = ["A", "B", "C", "D", "E", "F"];
const AISLE_AFTER = 3;

/** Shows the plan of flight `params.id`. `params.query.near`: a seat that the customer wanted and didn't get. */
export async function show(root, { id, query, signal, memory }) {
  const plan = { id, signal, memory, tools, seats: new Map(), statuses: new Map(), buttons: new Map(), selected: null };
  const about = el("p", { class: "about muted" }, t("shell.loading"));
  const body = el("div", { class: "plan" });
  replace(root, el("div", { class: "lead" }, el("h1", { tabindex: -1 }, t("seats.title")), about), body);
  // Without the flight's particulars a seat can still be chosen.
  const flightAsked = flightOf(id, signal).catch(() => null);
  const [answer, flight] = [await call("GET", `flights/${id}/seats`, { signal }), await flightAsked];
  Object.assign(plan, { flight: flight ?? { flight_id: id }, fares: answer.fares ?? [] });
  drawBody(plan, body, answer.seats);
  replace(about, aboutOf(plan.flight));
  const wish = memory.panel ?? wishOf(plan, query.get("near"));
  if (wish) await open(plan, wish, { quiet: true });
  const stopRefresh = every(REFRESH_MS, () => follow(plan, "refresh"), { later: true });
  const stopKept = kept.subscribe(() => follow(plan, "repaint"));
  if (kept.liveOn(id).length) follow(plan, "refreshOwn");
  return () => (stopRefresh(), stopKept());
}

/* follow.js isn't needed before the first refresh; when the network is lost by then, the next one asks for it again. */
const follow = (plan, what) => load("follow.js").then((module) => module[what](plan), () => reached(false));

function aboutOf({ flight_id, number, origin, destination, departs_local, aircraft }) {
  if (!number) return flight_id;
  const route = t("seats.route", { from: words(`city.${origin}`, origin), to: words(`city.${destination}`, destination) });
  const back = el("a", { href: `#/?${new URLSearchParams({ from: origin, to: destination })}` }, t("seats.back"));
  const facts = [number, `${day(departs_local)}, ${clockTime(departs_local)}`, aircraft];
  return [el("strong", {}, route), facts.map((fact) => el("span", {}, fact)), back];
}

function drawBody(plan, body, seats) {
  plan.table = el("table", { role: "grid", class: "seats", "aria-label": t("seats.grid") });
  plan.free = el("p", { class: "free" });
  plan.panel = el("div", { class: "panel" });
  const own = kept.seatsOf(plan.id);
  for (const seat of seats) takeIn(plan, seat, own);
  plan.rows = rowsOf(seats);
  replace(plan.table, headOf(), cabinsOf(plan));
  plan.table.addEventListener("click", (event) => choose(plan, seatAt(event)));
  plan.table.addEventListener("focusin", (event) => rove(plan, seatAt(event)));
  plan.table.addEventListener("keydown", (event) => onKey(plan, event));
  rove(plan, seats.find(({ seat }) => plan.statuses.get(seat) === "available")?.seat ?? seats[0]?.seat);
  drawFree(plan);
  replace(plan.panel, hintOf());
  const nose = el("div", { class: "nose muted", "aria-hidden": true }, t("seats.front"));
  const key = el("div", { class: "key" }, legend(), plan.free, askFree(plan));
  replace(body, key, el("div", { class: "fuselage" }, nose, plan.table), plan.panel);
}

/* What the panel says before a seat is chosen. */
const hintOf = () =>
  el("div", { class: "card hint" }, el("h2", {}, t("seats.hint")), el("p", { class: "muted" }, t("seats.hint.more")));

function rowsOf(seats) {
  const rows = new Map();
  for (const { row, cabin, exit_row, letter, seat } of seats) {
    if (!rows.has(row)) rows.set(row, { row, cabin, exit: exit_row, names: Array(LETTERS.length).fill(null) });
    rows.get(row).names[LETTERS.indexOf(letter)] = seat;
  }
  return [...rows.values()].sort((a, b) => a.row - b.row);
}

function headOf() {
  const heads = LETTERS.map((letter) => el("th", { scope: "col" }, letter));
  heads.splice(AISLE_AFTER, 0, el("td"));
  return el("thead", {}, el("tr", {}, heads));
}

function cabinsOf(plan) {
  const cabins = [...new Set(plan.rows.map((row) => row.cabin))];
  return cabins.map((cabin) => {
    const rows = plan.rows.filter((row) => row.cabin === cabin);
    const title = [t(`cabin.${cabin}`), " ", el("span", { class: "muted" }, priceOf(plan, (seat) => seat.cabin === cabin && !seat.exit_row))];
    const head = el("tr", { class: "cabin" }, el("th", { colspan: LETTERS.length + 1, scope: "rowgroup" }, title));
    return el("tbody", {}, head, rows.map((row) => [row.exit && exitOf(plan, row), rowOf(plan, row)]));
  });
}

function priceOf({ seats }, isMeant) {
  const seat = [...seats.values()].find((one) => one.currency && isMeant(one));
  return seat && money(seat.price_minor, seat.currency);
}

function exitOf(plan, { row }) {
  const price = el("b", { class: "muted" }, priceOf(plan, (seat) => seat.row === row));
  const sign = () => el("span", { "aria-hidden": true }, t("seats.exit"));
  const words = el("span", { class: "hidden" }, t("seats.exits"));
  return el("tr", { class: "exits" }, el("td", { colspan: LETTERS.length + 1 }, words, sign(), price, sign()));
}

function rowOf(plan, { row, names }) {
  const cells = names.map((name) => el("td", {}, name && buttonOf(plan, name)));
  cells.splice(AISLE_AFTER, 0, el("th", { scope: "row" }, row));
  return el("tr", {}, cells);
}

function buttonOf(plan, name) {
  const props = { type: "button", class: "seat", tabindex: -1, "data-exit": plan.seats.get(name).exit_row };
  const button = el("button", { ...props, dataset: { seat: name } }, name.slice(-1));
  plan.buttons.set(name, button);
  paintSeat(plan, name);
  return button;
}

/* A seat's button by what is known of it now. Called for those that changed only. */
function paintSeat(plan, name) {
  const button = plan.buttons.get(name);
  const status = plan.statuses.get(name);
  const selected = plan.selected === name;
  button.dataset.status = selected && status === "available" ? "selected" : status;
  button.setAttribute("aria-label", labelOf(plan.seats.get(name), status));
  setTrue(button, "aria-disabled", status === "held" || status === "taken");
  setTrue(button, "aria-current", selected);
}

const setTrue = (node, name, on) => (on ? node.setAttribute(name, "true") : node.removeAttribute(name));

function labelOf({ seat, position, exit_row, price_minor, currency }, status) {
  const price = status === "available" && currency && money(price_minor, currency);
  const values = { seat, position: t(`position.${position}`), status: t(`seats.${status}`), price };
  const label = t(price ? "seats.label.price" : "seats.label", values);
  return exit_row ? t("seats.label.exit", { label }) : label;
}

function statusOf({ seat, status }, own) {
  if (status === "AVAILABLE") return "available";
  if (own.has(seat)) return "yours";
  return status === "HELD" ? "held" : "taken";
}

function takeIn(plan, seat, own) {
  plan.seats.set(seat.seat, seat);
  plan.statuses.set(seat.seat, statusOf(seat, own));
}

function legend() {
  const signOf = (word, status = word, isExit = false) =>
    el("span", { class: "seat", "aria-hidden": true, "data-exit": isExit, dataset: { status } });
  const signs = { available: [], exit: ["available", true], selected: [], yours: [], held: [], taken: [] };
  const items = Object.entries(signs).map(([word, how]) => el("li", {}, signOf(word, ...how), t(`seats.legend.${word}`)));
  return el("ul", { class: "legend small", role: "list", "aria-label": t("seats.legend") }, items);
}

/* Told when asked: a count that is spoken at each refresh would drown everything else. */
function askFree(plan) {
  const ask = () => withPanel(plan, ({ tellFree }) => tellFree(plan));
  return el("button", { class: "secondary small", type: "button", on: { click: ask } }, t("seats.free.ask"));
}

const freeOf = (plan) => [...plan.seats.values()].filter(({ seat }) => plan.statuses.get(seat) === "available");

function drawFree(plan) {
  const count = freeOf(plan).length;
  replace(plan.free, count ? t("seats.free", { count }) : t("seats.full"), plan.freeInCabins?.());
}

/* For panel.js and follow.js, which don't import this module: after a failure it may be here under another address. */
const tools = { drawFree, freeOf, hintOf, open, paintSeat, statusOf, takeIn };

/* What a customer who wanted `near` is told; nothing without one. */
function wishOf(plan, near) {
  const status = plan.statuses.get(near);
  if (!status) return null;
  rove(plan, near);
  return { seat: near, why: { available: "is_free", yours: "is_yours", held: "was_taken", taken: "was_taken" }[status] };
}

function choose(plan, seat) {
  const why = { yours: "is_yours", held: "is_held", taken: "is_taken" }[plan.statuses.get(seat)];
  if (seat) open(plan, { seat, why });
}

/* Opens the order form, or for a wish with `why` a refusal with the nearest free seats. */
async function open(plan, wish, how) {
  plan.wish = wish;
  plan.memory.panel = wish;
  await withPanel(plan, (panel) => plan.wish === wish && panel.open(plan, wish, how));
}

/* panel.js is fetched when it is first needed; without a network that is said in its place. */
async function withPanel(plan, then) {
  try {
    await then(await load("panel.js"));
  } catch (error) {
    replace(plan.panel, el("p", { class: "notice", role: "alert" }, t("error.unreachable")));
    if (!(error instanceof NotLoaded)) reportError(error);
  }
}

const seatAt = ({ target }) => target.closest("button[data-seat]")?.dataset.seat;
/* One tab stop for the whole grid: the seat that was last entered. */
function rove(plan, name) {
  if (!plan.buttons.has(name)) return;
  if (plan.buttons.has(plan.current)) plan.buttons.get(plan.current).tabIndex = -1;
  plan.current = name;
  plan.buttons.get(name).tabIndex = 0;
}

function onKey({ rows, buttons, current }, event) {
  const move = MOVES[(event.ctrlKey ? "Ctrl+" : "") + event.key];
  if (!move || event.altKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const at = rows.findIndex(({ names }) => names.includes(current));
  buttons.get(move(rows, at, rows[at].names.indexOf(current)))?.focus();
}

const first = (names) => names.find(Boolean);
const last = (names) => names.findLast(Boolean);
/* From row `at` and `column`. Gaps (no seat, no row 13) are passed over, and the edge stops. */
const MOVES = {
  ArrowLeft: (rows, at, column) => last(rows[at].names.slice(0, column)),
  ArrowRight: (rows, at, column) => first(rows[at].names.slice(column + 1)),
  ArrowUp: (rows, at, column) => last(rows.slice(0, at).map(({ names }) => names[column])),
  ArrowDown: (rows, at, column) => first(rows.slice(at + 1).map(({ names }) => names[column])),
  Home: (rows, at) => first(rows[at].names),
  End: (rows, at) => last(rows[at].names),
  "Ctrl+Home": (rows) => first(rows[0].names),
  "Ctrl+End": (rows) => last(rows.at(-1).names),
  PageUp: (rows, at, column) => closest(cabinFrom(rows, at, false), column),
  PageDown: (rows, at, column) => closest(cabinFrom(rows, at, true), column),
};

/* The first row of the cabin behind or before; at the ends the last row and the first. */
function cabinFrom(rows, at, isBehind) {
  const isOther = ({ cabin }) => cabin !== rows[at].cabin;
  if (isBehind) return rows.slice(at).find(isOther) ?? rows.at(-1);
  const before = rows.slice(0, at).findLast(isOther);
  return rows.find(({ cabin }) => cabin === before?.cabin) ?? rows[0];
}

function closest({ names }, column) {
  const away = (name) => Math.abs(names.indexOf(name) - column);
  return names.filter(Boolean).sort((a, b) => away(a) - away(b))[0];
}
