/* Requests for a seat on their way: each is kept before it is sent and sent again with the same key until there is an answer. The form it
   came from may be gone by then, and so may the page: `resume` takes up what was kept. */

import { call, onReach, Problem, Unreachable } from "./api.js";
import { el, has, load, t } from "./dom.js";
import * as kept from "./kept.js";

/* As long as a seat is held. A request that is older is not sent again unless the customer wishes it: who asked for a seat yesterday may not want it now. */
const FRESH_MS = 900_000;
const PAUSES_MS = [1000, 2000, 4000, 8000, 15_000];

const underWay = new Map();
const notices = new Map();

/** Whether a kept request is for this seat. */
export const isFor = (flightId, seat) => ({ request }) => request.flight_id === flightId && request.seat === seat;

/** The request for this seat that is on its way, or was sent a short time ago by another tab. */
export function orderFor(flightId, seat) {
  const here = [...underWay.values()].map(({ order }) => order);
  return [...here, ...kept.pending().filter(isFresh)].find(isFor(flightId, seat));
}

/** Whether this page is sending it. */
export const isUnderWay = ({ key }) => underWay.has(key);

/** Sends what was kept and never answered; asks first when that was long ago. */
export async function resume() {
  for (const order of kept.pending()) {
    if (isUnderWay(order) || isFresh(order)) send(order);
    else askWhetherStillWanted(order);
  }
}

/**
 * Sends a request until it is answered, then goes to its booking. What is on its way already is not sent twice.
 * @param {object} order as kept; `outlives: false` if only memory has it
 * @param {{isConnected: boolean, draw: (sending: object|null) => void, refused: (words: string, error: Error) => void}} [form]
 *   where it is shown; above the screen when that is gone
 */
export function send(order, form) {
  let sending = underWay.get(order.key);
  if (!sending) {
    sending = { order, ending: new AbortController(), unanswered: false, wake: () => {} };
    underWay.set(order.key, sending);
    guard();
    // The screen that comes next, while the answer is on its way; what fails now is loaded then.
    load("booking.js").catch(() => {});
    untilAnswered(sending)
      .then((booking) => arrived(sending, booking), (error) => refused(sending, error))
      .catch(reportError);
  }
  sending.form = form ?? sending.form;
  sending.wake();
  show(sending);
}

/** The customer no longer wants it. Whether the server has heard of it is not known. */
export function stop(sending) {
  kept.fail(sending.order.key);
  sending.ending.abort(new DOMException("stopped by the customer", "AbortError"));
}

/** The way to a booking. */
export const linkTo = (booking) => el("a", { href: `#/bookings/${booking.record_locator}` }, t("order.open", { ref: booking.record_locator }));

const isFresh = (order) => Date.now() - order.begun_at_ms < FRESH_MS;

async function untilAnswered(sending) {
  const { key, request } = sending.order;
  const { signal } = sending.ending;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const booking = await call("POST", "bookings", { body: request, key, signal });
      kept.finish(key, booking);
      return booking;
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      sending.unanswered = true;
      show(sending);
    }
    await pause(sending, PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)]);
    if (!kept.pending().some((order) => order.key === key)) return endedElsewhere(sending.order);
  }
}

/** Whether nobody can tell yet: no answer, an error of the server, or an answer that isn't Leleka's own. */
function isNoAnswer(error) {
  return error instanceof Unreachable || (error instanceof Problem && (error.status >= 500 || error.type === "unknown"));
}

/** Another tab had the answer, or its customer gave up: sent once more, the request could make what nobody wants. */
function endedElsewhere({ request, begun_at_ms: begunAtMs }) {
  const booking = kept.all().find((one) => one.flight_id === request.flight_id && one.seat === request.seat && one.kept_at_ms >= begunAtMs);
  if (booking) return booking;
  throw new DOMException("ended in another tab", "AbortError");
}

/** Waits; shorter when the network is back or the customer asks. */
async function pause(sending, ms) {
  const { signal } = sending.ending;
  const { promise, resolve } = Promise.withResolvers();
  const timer = setTimeout(resolve, ms);
  const stopListening = onReach((reachable) => reachable && resolve());
  signal.addEventListener("abort", resolve);
  sending.wake = resolve;
  await promise;
  clearTimeout(timer);
  stopListening();
  signal.throwIfAborted();
}

function end(sending) {
  underWay.delete(sending.order.key);
  dismiss(sending.order.key);
  guard();
}

function arrived(sending, booking) {
  end(sending);
  // Who is filling in the form of another seat by now is not taken away from it.
  const busy = document.querySelector("form.order-form") && !sending.form?.isConnected;
  if (busy) notify(sending.order, t("order.held", { seat: booking.seat }), linkTo(booking));
  else location.hash = `#/bookings/${booking.record_locator}`;
}

function refused(sending, error) {
  end(sending);
  const { order, form } = sending;
  if (error.name === "AbortError") return stopped(order, form);
  if (error instanceof Problem) kept.fail(order.key);
  else reportError(error);
  if (form?.isConnected) form.refused(wordsOf(error), error);
  else notify(order, t("order.refused.seat", { seat: order.request.seat }), wordsOf(error));
}

/** The seat may be held all the same. Only the same request again finds out, so the way back is kept while the page is open. */
function stopped(order, form) {
  form?.draw(null);
  const again = { ...order, begun_at_ms: Date.now() };
  const askAgain = () => send({ ...again, outlives: kept.begin(again) }, form?.isConnected ? form : undefined);
  notify(order, t("order.stopped", { seat: order.request.seat }), button("order.old.send", askAgain));
}

function wordsOf(error) {
  const words = `order.refused.${error.type}`;
  return t(has(words) ? words : "order.refused.other");
}

/** How a request stands: in its form, or, when that is gone and there is something to tell, above the screen. */
function show(sending) {
  const { order, form, unanswered } = sending;
  form?.draw(sending);
  if (form?.isConnected || !unanswered) return dismiss(order.key);
  if (!notices.has(order.key)) notify(order, t("order.resuming", { seat: order.request.seat }), button("order.stop", () => stop(sending)));
}

function askWhetherStillWanted(order) {
  if (notices.has(order.key)) return;
  const { seat, flight_id: flightId } = order.request;
  const answer = (words, action) => button(words, () => (dismiss(order.key), action()));
  const choices = el("p", { class: "actions" }, answer("order.old.send", () => send(order)), answer("order.old.drop", () => kept.fail(order.key)));
  notify(order, t("order.old", { seat, flight: order.about?.flight?.number ?? flightId }), choices);
}

const button = (words, action) => el("button", { class: "secondary", type: "button", on: { click: action } }, t(words));

/** A line above the screen, one for each request. */
function notify(order, ...content) {
  dismiss(order.key);
  const close = el("button", { class: "close", type: "button", "aria-label": t("seats.close"), on: { click: () => dismiss(order.key) } }, "×");
  const parts = content.map((part) => (part instanceof Node ? part : el("p", {}, part)));
  const line = el("div", { class: "notice above", role: "alert" }, parts, close);
  notices.set(order.key, line);
  document.getElementById("main").before(line);
}

function dismiss(key) {
  notices.get(key)?.remove();
  notices.delete(key);
}

/** Leaving the page would lose a request that only its memory has: the browser asks before. */
function guard() {
  const fragile = [...underWay.values()].some(({ order }) => order.outlives === false);
  window.onbeforeunload = fragile ? (event) => event.preventDefault() : null;
}
