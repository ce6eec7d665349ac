/* What lies beside the seat plan: the order form of the chosen seat, or why one can't be had, with the nearest free ones. */

import { announce, el, load, money, replace, t } from "./dom.js";
import * as kept from "./kept.js";

const OFFERED = 3;
const GLAD = new Set(["is_free", "is_yours"]);

/**
 * Fills the panel of a plan and moves the focus there.
 * @param {object} plan of seats.js
 * @param {{seat: string, why?: string}} wish a seat to order; with `why`, one that can't be had
 * @param {{quiet?: boolean}} [how] `quiet`: nobody asked just now, so the focus stays
 */
export async function open(plan, wish, { quiet = false } = {}) {
  const typing = plan.panel.contains(document.activeElement);
  if (wish.why) return refuse(plan, wish, { focus: typing });
  const { form } = await load("order.js");
  if (plan.wish !== wish) return;
  select(plan, wish.seat);
  const { flight, fares } = plan;
  const order = { flight, seat: plan.seats.get(wish.seat), fares, onCancel: () => back(plan, wish.seat) };
  replace(plan.panel, el("div", { class: "card" }, form(order)));
  if (!quiet) enter(plan.panel.querySelector("h2"));
}

function back(plan, seat) {
  plan.wish = null;
  plan.memory.panel = null;
  select(plan, null);
  replace(plan.panel, plan.tools.hintOf());
  plan.buttons.get(seat).focus();
}

function select(plan, seat) {
  const before = plan.selected;
  plan.selected = seat;
  for (const name of [before, seat]) if (name) plan.tools.paintSeat(plan, name);
}

function enter(heading) {
  heading.focus({ preventScroll: true });
  // All of the form or refusal, or at least its beginning, is to be seen.
  heading.closest(".panel > *").scrollIntoView({ block: "nearest" });
}

function refuse(plan, { seat, why }, { focus }) {
  select(plan, null);
  const heading = el("h2", { tabindex: -1 }, t(`seats.${why}`, { seat }));
  const close = { class: "close", type: "button", "aria-label": t("seats.close"), on: { click: () => back(plan, seat) } };
  replace(
    plan.panel,
    el(
      "div",
      { class: GLAD.has(why) ? "notice refusal glad" : "notice refusal" },
      // Only the sentence is an alert: the seats offered are found by reading on.
      el("div", { role: "alert" }, heading),
      why === "is_yours" ? linkTo(plan, seat) : offers(plan, seat),
      el("button", close, "×"),
    ),
  );
  // Who was typing in the form has lost it: the sentence gets the focus. Who was in the plan stays there.
  if (focus) enter(heading);
}

/* Nothing while the request for it is still on its way. */
function linkTo(plan, seat) {
  const own = kept.liveOf(plan.id, seat);
  return own && el("a", { class: "button", href: `#/bookings/${own.record_locator}` }, t("seats.is_yours.open"));
}

function offers(plan, seat) {
  const offered = nearest(plan.tools.freeOf(plan), plan.seats.get(seat), OFFERED);
  if (!offered.length) return el("p", {}, t("seats.full"));
  const items = offered.map((one) => el("li", {}, offerOf(plan, one)));
  return [el("p", {}, t("seats.nearest")), el("ul", { class: "offered", role: "list" }, items)];
}

function offerOf(plan, { seat, position, exit_row, price_minor, currency }) {
  const price = price_minor !== undefined && money(price_minor, currency);
  const parts = [t("seats.offer", { seat }), t(`position.${position}`), price, exit_row && t("seats.exit_row")];
  // The plan's own button does the rest, whatever has become of the seat meanwhile.
  const choose = () => plan.buttons.get(seat).click();
  return el("button", { class: "secondary", type: "button", on: { click: choose } }, parts.filter(Boolean).join(", "));
}

/** Says how many seats are free in each cabin, and from what price; from then on it is also shown, and follows the sale. */
export function tellFree(plan) {
  const cabins = [...new Set(plan.rows.map(({ cabin }) => cabin))];
  const told = () => cabins.map((cabin) => freeIn(plan, cabin));
  announce(told().join(". "));
  plan.freeInCabins = () => told().map((words) => el("span", {}, words));
  plan.tools.drawFree(plan);
}

function freeIn(plan, cabin) {
  const free = plan.tools.freeOf(plan).filter((seat) => seat.cabin === cabin);
  const values = { cabin: t(`cabin.${cabin}`), count: free.length };
  if (!free.length) return t("seats.free.none", values);
  const cheapest = free.reduce((a, b) => (b.price_minor < a.price_minor ? b : a));
  return t("seats.free.cabin", { ...values, price: money(cheapest.price_minor ?? 0, cheapest.currency) });
}

/**
 * The free seats nearest to a wanted one: its own cabin first, then by distance; another price counts as three rows,
 * another position as one.
 * @param {object[]} free as the API shows them
 * @param {object} wanted
 * @param {number} count at most so many
 */
export function nearest(free, wanted, count) {
  const column = ({ letter }) => letter.charCodeAt(0);
  const away = (seat) =>
    (seat.cabin === wanted.cabin ? 0 : 1000) +
    (seat.price_minor === wanted.price_minor ? 0 : 6) +
    (seat.position === wanted.position ? 0 : 2) +
    Math.abs(seat.row - wanted.row) * 2 +
    Math.abs(column(seat) - column(wanted));
  return free.toSorted((a, b) => away(a) - away(b)).slice(0, count);
}
