/* Requests for a seat on their way: each is kept before it is sent and sent again with the same key until there is an
   answer. The form it came from may be gone by then, and so may the page: `resume` takes up what was kept. */

import { call, onReach, Problem, Unreachable } from "./api.js";
import { el, has, later, load, t } from "./dom.js";
import * as kept from "./kept.js";

const PAUSES_MS = [1000, 2000, 4000, 8000, 15_000];

const underWay = new Map();
const notices = new Map();
/* What this page has sent, by its content, as long as it may still become a booking. */
const sent = new Map();
let hasNavigated = false;
addEventListener("hashchange", () => (hasNavigated = true));

/**
 * Asks for a seat. The same content again, after it was stopped or refused or by another tab, is the same request: had
 * the first one arrived, this finds its booking.
 * @param {{request: object, about?: object}} wish as in kept.js
 * @param {{isConnected: boolean, draw: (sending: object|null) => void, refused: (words: string, error: Error) => void}}
 *   form where it is shown; above the screen when that is gone
 * @returns {boolean} false if another request for this seat, with other content, has no answer yet
 */
export function ask({ request, about }, form) {
  const content = contentOf(request);
  const others = kept.pending().filter((order) => isFor(order, request.flight_id, request.seat));
  const same = others.find((order) => contentOf(order.request) === content) ?? sent.get(content);
  const other = !same && others.find(kept.isFresh);
  if (other) send(other);
  else sendAnew(same ?? { key: newKey(), request, about }, form);
  return !other;
}

/** Shows in a form that is drawn anew the request for its seat that this page is sending, if there is one. */
export function showIn(form, flightId, seat) {
  const sending = [...underWay.values()].find(({ order }) => isFor(order, flightId, seat));
  if (sending) send(sending.order, form);
}

/** Sends what was kept and never answered; asks first when that was long ago. */
export async function resume() {
  for (const order of kept.pending()) {
    if (underWay.has(order.key) || kept.isFresh(order)) send(order);
    else askWhetherStillWanted(order);
  }
}

/** The customer no longer wants it. Whether the server has heard of it is not known. */
export function stop(sending) {
  kept.fail(sending.order.key);
  sending.ending.abort(new DOMException("stopped by the customer", "AbortError"));
}

/** The way to a booking. */
export const linkTo = ({ record_locator: ref }) => el("a", { href: `#/bookings/${ref}` }, t("order.open", { ref }));

const isFor = ({ request }, flightId, seat) => request.flight_id === flightId && request.seat === seat;

/* The language is that of the letter only: to change it makes no other request. */
const contentOf = (request) => JSON.stringify({ ...request, language: undefined });

function newKey() {
  // Pages that are not served by https have no randomUUID.
  const bytes = () => [...crypto.getRandomValues(new Uint8Array(16))];
  return crypto.randomUUID?.() ?? bytes().map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Sends what the customer wishes now, whenever it was wished first. */
function sendAnew(order, form) {
  const anew = { ...order, begun_at_ms: Date.now() };
  kept.begin(anew);
  send(anew, form);
}

/** Sends a kept request until it is answered, then goes to its booking. What is on its way is not sent twice. */
function send(order, form) {
  let sending = underWay.get(order.key);
  if (!sending) {
    sending = { order, ending: new AbortController(), unanswered: false, isTold: false, wake: () => {} };
    underWay.set(order.key, sending);
    sent.set(contentOf(order.request), order);
    // The screen that comes next, while the answer is on its way; what fails now is loaded then.
    load("booking.js").catch(() => {});
    untilAnswered(sending)
      .then((booking) => arrived(sending, booking), (error) => refused(sending, error))
      .catch(reportError);
  }
  Object.assign(sending, { order, form: form ?? sending.form });
  sending.wake();
  show(sending);
}

async function untilAnswered(sending) {
  const { key, request } = sending.order;
  const { signal } = sending.ending;
  for (let attempt = 0; ; attempt += 1) {
    const isKept = kept.pending().some((order) => order.key === key);
    // A page may sleep for days between two attempts.
    if (!kept.isFresh(sending.order)) throw new DOMException("asked for too long ago", "TimeoutError");
    if (!isKept) return endedElsewhere(sending.order);
    let busyS = 0;
    try {
      const booking = await call("POST", "bookings", { body: request, key, signal, repeat: false });
      kept.finish(key, booking);
      return booking;
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      busyS = error.retryAfterS ?? 0;
      sending.unanswered = true;
      show(sending);
    }
    await pause(sending, Math.min(PAUSES_MS.at(-1), Math.max(PAUSES_MS[attempt] ?? Infinity, busyS * 1000)));
  }
}

/** Whether nobody can tell yet: no answer, an error of the server, or an answer that isn't Leleka's own. */
function isNoAnswer(error) {
  if (error instanceof Unreachable) return true;
  return error instanceof Problem && (error.status >= 500 || error.type === "unknown");
}

/** Another tab had the answer, or its customer gave up: sent again, the request could make what nobody wants. */
function endedElsewhere({ request, begun_at_ms: begunAtMs }) {
  const { flight_id: flightId, seat } = request;
  const isIts = (one) => one.flight_id === flightId && one.seat === seat && one.kept_at_ms >= begunAtMs;
  const booking = kept.all().find(isIts);
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
  signal.removeEventListener("abort", resolve);
  signal.throwIfAborted();
}

function end({ order }) {
  underWay.delete(order.key);
  dismiss(order.key);
}

function arrived(sending, booking) {
  end(sending);
  const { order } = sending;
  sent.delete(contentOf(order.request));
  if (isAwaited(sending)) {
    location.hash = `#/bookings/${booking.record_locator}`;
    return;
  }
  const link = linkTo(booking);
  link.addEventListener("click", () => dismiss(order.key));
  notify(order, t("order.held", { seat: booking.seat }), link);
}

/** Whether the customer waits for this answer and does nothing else: nobody is taken away from what is open by now. */
function isAwaited({ form }) {
  if (form?.isConnected) return true;
  const isIdle = !document.getElementById("main").contains(document.activeElement);
  return isIdle && !hasNavigated && !kept.pending().length;
}

function refused(sending, error) {
  end(sending);
  const { order, form } = sending;
  if (error.name === "AbortError") return stopped(order, form);
  if (error.name === "TimeoutError") {
    form?.draw(null);
    return askWhetherStillWanted(order, form);
  }
  // The key stands for another request: what is sent next needs one of its own.
  if (error.type === "idempotency-key-reused") sent.delete(contentOf(order.request));
  if (error instanceof Problem) kept.fail(order.key);
  else reportError(error);
  if (form?.isConnected) form.refused(wordsOf(error), error);
  else notify(order, t("order.refused.seat", { seat: order.request.seat }), wordsOf(error));
}

/** The seat may be held all the same. Only the same request finds out: the way back is kept as long as the page. */
function stopped(order, form) {
  form?.draw(null);
  const again = button("order.old.send", () => sendAnew(order, form));
  notify(order, t("order.stopped", { seat: order.request.seat }), again);
}

function wordsOf(error) {
  const words = `order.refused.${error.type}`;
  return t(has(words) ? words : "order.refused.other", { when: later(error.retryAfterS ?? 60) });
}

/** How a request stands: in its form, or, when that is gone and there is something to tell, once above the screen. */
function show(sending) {
  const { order, form, unanswered, isTold } = sending;
  form?.draw(sending);
  sending.isTold = unanswered && !form?.isConnected;
  if (!sending.isTold) return dismiss(order.key);
  if (isTold) return;
  notify(order, t("order.resuming", { seat: order.request.seat }), button("order.stop", () => stop(sending)));
}

function askWhetherStillWanted(order, form) {
  if (notices.has(order.key)) return;
  const { seat, flight_id: flightId } = order.request;
  const answer = (words, action) => button(words, () => (dismiss(order.key), action()));
  const again = answer("order.old.send", () => sendAnew(order, form));
  const drop = answer("order.old.drop", () => kept.fail(order.key));
  const question = t("order.old", { seat, flight: order.about?.flight?.number ?? flightId });
  notify(order, question, el("p", { class: "actions" }, again, drop));
}

const button = (words, action) => el("button", { class: "secondary", type: "button", on: { click: action } }, t(words));

/** A line above the screen, one for each request. */
function notify(order, ...content) {
  dismiss(order.key);
  const props = { class: "close", type: "button", "aria-label": t("seats.close") };
  const close = el("button", { ...props, on: { click: () => dismiss(order.key) } }, "×");
  const parts = content.map((part) => (part instanceof Node ? part : el("p", {}, part)));
  const line = el("div", { class: "notice above", role: "alert" }, parts, close);
  notices.set(order.key, line);
  document.getElementById("main").before(line);
}

/* What has the focus must not vanish from under it. */
function dismiss(key) {
  const line = notices.get(key);
  if (line?.contains(document.activeElement)) document.querySelector("h1")?.focus();
  line?.remove();
  notices.delete(key);
}
