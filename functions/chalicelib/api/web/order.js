/* The order form of a seat: who flies, how many bags, what it costs. What becomes of its request is in sending.js. */

import { announce, el, language, money, replace, t } from "./dom.js";
import { refreshOwn } from "./follow.js";
import * as kept from "./kept.js";
import { ask, linkTo, showIn, stop } from "./sending.js";

const BAGS_MAX = 5;
const LONGEST = { name: 100, email: 254 };
/* The API's own rules, so that its refusal is the exception. */
const RULES = {
  name: /^[^\s\p{Cc}][^\p{Cc}]*$/u,
  email: /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/,
};
const FIELDS = { "$.passenger.name": "name", "$.passenger.email": "email", "$.bags": "bags" };

/* What was typed goes along to the form of another seat. Never stored. */
let typed = { name: "", email: "", bags: "0" };

/**
 * The order form of one seat.
 * @param {{flight: object, seat: object, fares: object[], onCancel: () => void}} order flight, seat and fares as the API shows them;
 *   `onCancel` is called when another seat is wanted
 * @returns {HTMLElement} with a heading that can take the focus
 */
export function form({ flight, seat, fares = [], onCancel }) {
  const view = { flight, seat, fare: fares.find(({ cabin }) => cabin === seat.cabin), sending: null, isChecking: false };
  view.price = el("table", { class: "price" });
  view.message = el("div", { class: "message", role: "alert" });
  view.progress = el("div", { class: "message", role: "status" });
  view.hold = el("button", { class: "primary", type: "submit" }, t("order.hold", { seat: seat.seat }));
  view.other = el("button", { class: "secondary", type: "button", on: { click: () => (view.sending ? stop(view.sending) : onCancel?.()) } });
  view.fieldset = el("fieldset", {}, textField(view, "name"), textField(view, "email"), bagsField(view));
  const promise = el("p", { class: "promise" }, t("order.promise"));
  view.form = el("form", { novalidate: true, class: "order-form" }, view.fieldset, view.price, promise, view.message, view.progress, el("p", { class: "actions" }, view.hold, view.other));
  view.form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(view);
  });
  view.form.addEventListener("input", () => remember(view));
  drawPrice(view);
  draw(view, null);
  // Drawn anew while its request is on its way, it goes on showing that, as soon as it is in the page.
  queueMicrotask(() => showIn(asForm(view), flight.flight_id, seat.seat));
  const heading = el("h2", { id: "order-title", tabindex: -1 }, t("order.title", { seat: seat.seat }));
  return el("section", { class: "order", "aria-labelledby": heading.id }, heading, facts(seat), view.form);
}

function facts(seat) {
  const parts = [t(`position.${seat.position}`), t(`cabin.${seat.cabin}`), seat.exit_row && t("order.exit")];
  return el("p", { class: "muted" }, parts.filter(Boolean).join(" · "));
}

function textField(view, name) {
  const recheck = ({ target }) => target.hasAttribute("aria-invalid") && check(view, name);
  const kind = { id: `order-${name}`, name, type: name === "email" ? "email" : "text", autocomplete: name, maxlength: LONGEST[name] };
  return field(name, el("input", { ...kind, value: typed[name], "aria-required": true, "aria-describedby": `order-${name}-wrong`, on: { input: recheck } }));
}

function bagsField(view) {
  const counts = [...Array(BAGS_MAX + 1).keys()].map((count) => el("option", { value: count }, count));
  const priced = () => drawPrice(view, { aloud: true });
  return field("bags", el("select", { id: "order-bags", name: "bags", value: typed.bags, "aria-describedby": "order-bags-wrong", on: { change: priced } }, counts));
}

function field(name, input) {
  return el("div", { class: "field" }, el("label", { for: input.id }, t(`order.${name}`)), input, el("p", { class: "wrong", id: `order-${name}-wrong` }));
}

function remember(view) {
  typed = Object.fromEntries(Object.keys(typed).map((name) => [name, input(view, name).value]));
}

const input = (view, name) => view.fieldset.querySelector(`[name=${name}]`);
const bagsOf = (view) => Number(input(view, "bags").value);
const totalOf = ({ seat, fare }, bags) => seat.price_minor + bags * fare.bag_minor;

function drawPrice(view, { aloud = false } = {}) {
  const { seat, fare } = view;
  if (!fare || seat.price_minor === undefined) return;
  const bags = bagsOf(view);
  const inWords = (minor) => money(minor, fare.currency);
  const total = inWords(totalOf(view, bags));
  const row = (words, amount, kind) => el("tr", { class: kind }, el("th", { scope: "row" }, words), el("td", {}, amount));
  replace(
    view.price,
    el("caption", { class: "hidden" }, t("order.price")),
    row(t("order.title", { seat: seat.seat }), inWords(seat.price_minor)),
    row(t(bags ? "order.price.bags" : "order.price.no_bags", { count: bags, price: inWords(fare.bag_minor) }), inWords(bags * fare.bag_minor)),
    row(t("order.price.total"), total, "total"),
  );
  if (aloud) announce(`${t("order.price.total")} ${total}`);
}

/** Shows what is wrong with a field, or that nothing is. Returns whether it is good. */
function check(view, name, refused = false) {
  const field = input(view, name);
  const value = field.value.trim();
  const good = !refused && (RULES[name]?.test(value) ?? true);
  const words = good ? "" : t(value ? `order.${name}.wrong` : `order.${name}.missing`);
  if (good) field.removeAttribute("aria-invalid");
  else field.setAttribute("aria-invalid", "true");
  say(view.fieldset.querySelector(`#order-${name}-wrong`), words);
  return good;
}

async function submit(view) {
  if (view.sending || view.isChecking) return;
  replace(view.message);
  const wrong = Object.keys(RULES).filter((name) => !check(view, name));
  if (wrong.length) return input(view, wrong[0]).focus();
  const wish = wishOf(view);
  const own = await ownOf(view);
  if (!view.form.isConnected) return;
  if (own) return tell(view, t("order.yours"), " ", linkTo(own));
  if (!ask(wish, asForm(view))) tell(view, t("order.under_way"));
}

const tell = (view, ...words) => replace(view.message, el("p", {}, words));

/** The customer's own booking of this seat. Before that is a reason to refuse, it is asked whether it still stands. */
async function ownOf(view) {
  const { flight_id: flightId } = view.flight;
  const own = () => kept.liveOf(flightId, view.seat.seat);
  if (!own()) return null;
  view.isChecking = true;
  say(view.progress, t("order.asking"));
  await refreshOwn({ id: flightId });
  view.isChecking = false;
  say(view.progress, "");
  return own();
}

function wishOf(view) {
  const { flight, seat, fare } = view;
  const [name, email] = ["name", "email"].map((field) => input(view, field).value.trim());
  const bags = bagsOf(view);
  const passenger = { name, email };
  const request = { flight_id: flight.flight_id, seat: seat.seat, passenger, bags, language: language() };
  const { number, origin, destination, departs_local, arrives_local } = flight;
  const price = fare && { price_minor: totalOf(view, bags), currency: fare.currency };
  return { request, about: { flight: { number, origin, destination, departs_local, arrives_local }, ...price } };
}

function asForm(view) {
  return {
    get isConnected() {
      return view.form.isConnected;
    },
    draw: (sending) => draw(view, sending),
    refused: (words, error) => refused(view, words, error),
  };
}

function draw(view, sending) {
  view.sending = sending;
  // What has the focus must not be switched off under it.
  if (sending && view.fieldset.contains(document.activeElement)) view.hold.focus();
  view.fieldset.disabled = Boolean(sending);
  view.hold.setAttribute("aria-disabled", String(Boolean(sending)));
  say(view.other, t(sending ? "order.stop" : "order.other"));
  say(view.progress, sending ? t(sending.unanswered ? "order.unanswered" : "order.asking") : "");
}

function refused(view, words, error) {
  draw(view, null);
  const name = FIELDS[error.field];
  if (!name) return tell(view, words);
  check(view, name, true);
  input(view, name).focus();
}

/** Only what changes is written: the same words again would be read out again. */
function say(node, words) {
  if (node.textContent !== words) node.textContent = words;
}
