/* One booking: how it stands, the time to pay, the card, the ticket. All of it comes in one answer, asked for as often as there is something to see.
   Wishes (pay, cancel) may be repeated safely: one without an answer is made again once it is seen that it did not arrive. */

import { call, onReach, Problem, serverNow, Unreachable } from "./api.js";
import { clockTime, day, el, every, load, money, replace, t, words } from "./dom.js";
import * as kept from "./kept.js";
import { countdown, headlineOf, PERIOD_MS, periodMs, phaseOf, say, secondsLeft, timeline } from "./timeline.js";

const CARDS = ["pm_approved", "pm_declined", "pm_insufficient_funds", "pm_slow"];
const TICK_MS = 500;
/* A cancellation that was accepted is to be seen by then. */
const ACCEPTED_MS = 30_000;
/* Whether a booking can be cancelled in a phase, or only later. */
const CANCELLABLE = { held: true, confirmed: true, holding: false, paying: false, confirming: false };

/** Shows booking `params.ref` (record locator or id). */
export async function show(root, params) {
  const { ref, memory } = params;
  const known = kept.find(ref);
  if (!known) return (await load("bookings.js")).showLocked(root, params);
  const view = (memory.view ??= { ref: known.record_locator, secret: known.secret, about: known.about ?? {}, booking: null, executions: [], wish: null, era: 0, card: CARDS[0] });
  Object.assign(view, { root, params, signal: params.signal });
  build(view);
  if (!view.booking) await look(view);
  view.poll = every(() => periodOf(view), () => look(view), { later: true });
  const stops = [view.poll, every(TICK_MS, () => tick(view)), onReach((reachable) => reachable && view.poll.now())];
  stops.push(kept.subscribe(() => kept.find(ref)?.status !== view.booking?.status && view.poll.now()));
  return () => stops.forEach((stop) => stop());
}

// What is asked of the API

function periodOf(view) {
  if (view.trouble || view.isUntold || view.wish?.state === "unanswered") return PERIOD_MS.calm;
  return view.wish ? PERIOD_MS.active : periodMs(phaseNow(view), view.executions, serverNow() - view.newsMs);
}

async function look(view) {
  if (view.isGone) return;
  const { era } = view;
  const answer = await read(view).catch((error) => ({ trouble: error }));
  if (answer.trouble?.name === "AbortError") return;
  if (["booking-not-found", "missing-secret"].includes(answer.trouble?.type)) return lock(view);
  // A wish was made or answered meanwhile: this is from before.
  if (era !== view.era) return view.poll?.now();
  view.trouble = answer.trouble;
  if (!view.trouble) seen(view, answer);
  if (!view.trouble && view.refusal instanceof Unreachable) view.refusal = null;
  draw(view);
  if (!view.trouble) await takeUp(view);
}

/** What is kept does not open the booking: the customer may have another secret. */
async function lock(view) {
  view.isGone = true;
  view.params.memory.view = null;
  await (await load("bookings.js")).showLocked(view.root, view.params, { isWrong: true });
}

/** The booking and its sagas; when the sagas can't be read, the booking alone. A busy orchestrator is not asked at once again. */
async function read({ ref, secret, signal }) {
  return call("GET", `bookings/${ref}/saga`, { secret, signal, repeat: false }).catch(async (error) => {
    if (!(error instanceof Problem) || error.type === "booking-not-found") throw error;
    return { booking: await call("GET", `bookings/${ref}`, { secret, signal }), executions: null };
  });
}

function seen(view, { booking, executions }) {
  const news = JSON.stringify([booking, executions]);
  if (news !== view.news) view.newsMs = serverNow();
  // What was refused was refused for a status that is no longer so; which card is used stays so.
  if (view.booking && view.booking.status !== booking.status && view.refusal?.type !== "payment-already-given") view.refusal = null;
  Object.assign(view, { booking, news, seenMs: serverNow(), isUntold: !executions });
  view.executions = executions ?? view.executions;
  kept.update(booking);
}

/* A wish: {kind: "pay"|"cancel", method?, from: the status when it was made, state: "asking"|"unanswered"|"accepted", madeMs} */
async function wish(view, wanted) {
  if (view.wish && view.wish.state !== "unanswered") return;
  const made = { ...wanted, from: view.booking.status, state: "asking", madeMs: serverNow() };
  Object.assign(view, { wish: made, refusal: null, era: view.era + 1 });
  draw(view);
  const { ref, secret } = view;
  try {
    if (made.kind === "cancel") await call("DELETE", `bookings/${ref}`, { secret });
    else seen(view, { ...view, booking: await call("POST", `bookings/${ref}/payment`, { secret, body: { payment_method: made.method }, repeat: true }) });
    view.wish = made.kind === "cancel" ? { ...made, state: "accepted" } : null;
  } catch (error) {
    const isOpen = error instanceof Unreachable || error.status >= 500 || error.type === "unknown";
    view.wish = isOpen ? { ...made, state: "unanswered" } : null;
    // A wish that is repeated may be refused because it has arrived before: how the booking stands now tells.
    view.refusal = isOpen || error.isRepeat || wanted.state === "unanswered" ? null : error;
  }
  view.era += 1;
  draw(view);
  if (view.wish?.state !== "unanswered") view.poll.now();
}

/** After news: what got no answer and did not arrive is asked again, unless the booking has gone another way since. */
function takeUp(view) {
  const { wish: made, booking } = view;
  if (!made || made.state === "asking") return;
  if (made.state === "unanswered" && booking.status === made.from) return wish(view, made);
  if (made.state === "accepted" && CANCELLABLE[phaseOf(booking, view.executions)] && serverNow() - made.madeMs < ACCEPTED_MS) return;
  view.wish = null;
  draw(view);
}

function phaseNow(view) {
  if (view.booking && view.wish) return view.wish.kind === "pay" ? "paying" : "cancelling";
  const phase = view.booking ? phaseOf(view.booking, view.executions) : "loading";
  return phase === "held" && !secondsLeft(view.booking.hold_expires_at) ? "over" : phase;
}

// What is shown

function build(view) {
  Object.assign(view, { drawn: {}, dialog: null });
  view.heading = el("h1", { tabindex: -1 });
  view.status = el("p", { class: "status", role: "status", tabindex: -1 });
  view.detail = el("p", { class: "detail" });
  view.note = el("p", { class: "notice", role: "status" });
  view.alert = el("div", { role: "alert" });
  view.pay = el("div", { class: "to-pay" });
  view.actions = el("div", { class: "actions" });
  view.ticket = el("section", { class: "ticket card", "aria-labelledby": "ticket-title" });
  view.secretBox = el("div", { class: "secret" });
  view.timeline = timeline();
  const now = el("section", { class: "now card" }, view.status, view.detail, view.note, view.alert, view.pay, view.actions);
  const side = el("div", { class: "beside" }, view.ticket, view.secretBox);
  replace(view.root, el("div", { class: "lead" }, view.heading), el("div", { class: "booking" }, now, side, view.timeline.element));
  draw(view);
}

function draw(view) {
  const { booking, wish: made } = view;
  const phase = phaseNow(view);
  say(view.heading, t("booking.title", { ref: booking?.record_locator ?? view.ref }));
  view.status.dataset.phase = phase;
  say(view.status, booking ? headlineOf(phase, booking, view.executions) : t("shell.loading"));
  say(view.detail, phase === "confirmed" ? t("booking.confirmed.more", { seat: booking.seat, email: booking.passenger.email }) : "");
  say(view.note, noteOf(view));
  part(view, "alert", [Boolean(view.refusal), view.era], () => view.refusal && el("p", { class: "notice bad" }, refusalOf(view.refusal)));
  if (view.dialog && view.dialog.phase !== phase) view.dialog.close();
  if (!booking) return;
  const isPayable = booking.status === "AWAITING_PAYMENT" && made?.kind !== "cancel" && ["held", "paying"].includes(phase);
  part(view, "pay", [isPayable, booking.hold_expires_at], () => isPayable && [(view.clock = countdown(booking.hold_expires_at)).element, payForm(view)]);
  drawActions(view, phase);
  if (!view.about.flight || (isPayable && !priceOf(view))) load("extras.js").then(({ learn }) => learn(view, draw), () => {});
  view.ticket.dataset.status = booking.status;
  part(view, "ticket", [booking, view.about], () => ticketOf(view));
  part(view, "secretBox", [kept.isDurable()], () => secretOf(view));
  view.timeline.update(booking, view.isUntold ? null : view.executions);
  tick(view);
}

/** Draws a part anew if what it shows has changed. A focus that was in it goes to the headline, not to nowhere. */
function part(view, name, state, make) {
  const key = JSON.stringify(state);
  if (view.drawn[name] === key) return;
  view.drawn[name] = key;
  const hadFocus = view[name].contains(document.activeElement);
  replace(view[name], make());
  if (hadFocus) view.status.focus({ preventScroll: true });
}

function noteOf({ trouble, wish: made, seenMs }) {
  if (made?.state === "unanswered") return t(`booking.unanswered.${made.kind}`);
  if (trouble && seenMs) return t("booking.stale", { time: clockTime(new Date(seenMs).toISOString()) });
  return trouble ? refusalOf(trouble) : "";
}

function refusalOf(error) {
  return error instanceof Unreachable ? t("error.unreachable") : words(`booking.refused.${error.type}`, t("error.other"));
}

function payForm(view) {
  const input = (id) => el("input", { type: "radio", name: "card", value: id, checked: id === view.card, on: { change: () => (view.card = id) } });
  const cards = CARDS.map((id) => el("label", { class: "choice" }, input(id), el("span", {}, t(`card.${id}`))));
  // The second click of a double click on a dialog that lay here is not meant for this button.
  const button = el("button", { type: "submit", class: "primary", on: { click: (event) => event.detail > 1 && event.preventDefault() } });
  const form = el("form", { class: "pay" }, el("fieldset", { role: "radiogroup", "aria-labelledby": "card-title" }, el("legend", { id: "card-title" }, t("booking.card")), cards), button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isButtonOn(form)) wish(view, { kind: "pay", method: view.card });
  });
  return form;
}

/** What changes while the form stays: the amount, and whether it can be used now. */
function drawPay(view) {
  const [fieldset, button] = view.pay.querySelector("form").children;
  const [price, isOff] = [priceOf(view), Boolean(view.wish)];
  if (isOff && fieldset.contains(document.activeElement)) button.focus();
  fieldset.disabled = isOff;
  button.setAttribute("aria-disabled", String(isOff));
  say(button, t("booking.pay", { price: price ?? "" }).trim());
}

function priceOf({ booking, about }) {
  const minor = booking.amount_minor ?? about.price_minor;
  return minor === undefined ? null : money(minor, booking.currency ?? about.currency);
}

function drawActions(view, phase) {
  const near = `#/flights/${view.booking.flight_id}?near=${view.booking.seat}`;
  const ask = () => isButtonOn(view.actions) && extra(view, ({ confirmCancel }) => confirmCancel(view, phaseNow(view), () => wish(view, { kind: "cancel" })));
  part(view, "actions", [phase in CANCELLABLE, phase === "cancelled"], () => [
    phase in CANCELLABLE && el("button", { type: "button", class: "secondary", on: { click: ask } }, t("booking.cancel")),
    phase === "cancelled" && el("a", { class: "button primary", href: near }, t("order.other")),
  ]);
  view.actions.querySelector("button")?.setAttribute("aria-disabled", String(!CANCELLABLE[phase]));
}

const isButtonOn = (root) => root.querySelector("button").getAttribute("aria-disabled") !== "true";

/** What is needed rarely is loaded when it is. */
async function extra(view, use) {
  const extras = await load("extras.js").catch(() => null);
  if (extras) return use(extras);
  Object.assign(view, { refusal: new Unreachable(), era: view.era + 1 });
  draw(view);
}

function ticketOf(view) {
  const { booking, about } = view;
  const { number, departs_local: departs, arrives_local: arrives } = about.flight ?? {};
  const [from, to] = booking.flight_id.split("-");
  const end = (code, at) => el("div", { class: "end" }, el("strong", {}, code), el("span", { class: "muted" }, words(`city.${code}`, code)), at && el("span", {}, clockTime(at)));
  const { name, email } = booking.passenger;
  const facts = { "booking.flight": [booking.flight_id], "booking.seat": [booking.seat], "order.bags": [booking.bags], "order.price": [priceOf(view) ?? "—"], "booking.passenger": [name, email] };
  return [
    el("h2", { id: "ticket-title" }, number ?? booking.flight_id, departs && el("span", {}, ` ${day(departs)}`)),
    el("div", { class: "journey" }, end(from, departs), el("span", { class: "line", "aria-hidden": true }), end(to, arrives)),
    el("dl", {}, Object.entries(facts).map(([key, values]) => el("div", {}, el("dt", {}, t(key)), values.map((value) => el("dd", {}, value))))),
  ];
}

function secretOf(view) {
  const turn = ({ target }) => extra(view, ({ turnSecret }) => turnSecret(target, view));
  const unkept = !kept.isDurable() && el("p", { class: "notice" }, t("booking.secret.unkept"));
  return [unkept, el("button", { type: "button", class: "secondary", "aria-expanded": false, on: { click: turn } }, t("booking.secret.show"))];
}

function tick(view) {
  view.timeline.tick();
  if (!view.pay.firstChild) return;
  if (!view.clock.tick()) return drawPay(view);
  draw(view);
  view.poll?.now();
}
