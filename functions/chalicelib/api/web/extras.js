/* What the page of a booking needs now and then: the question before a cancellation, the secret, and what only an order form would have known. */

import { call, flight as flightOf } from "./api.js";
import { el, money, t } from "./dom.js";
import * as kept from "./kept.js";

/* From here on the booking itself says what was paid, or nothing is to pay. */
const ENDED = new Set(["CONFIRMED", "CANCELLED", "NEEDS_ATTENTION"]);

/**
 * Asks whether a booking is to be cancelled. The answer stands for what was asked: the screen closes the dialog when the phase is another one.
 * @param {object} view of booking.js
 * @param {string} phase "held" or "confirmed"
 * @param {() => void} cancel
 */
export function confirmCancel(view, phase, cancel) {
  if (view.dialog) return;
  const { booking } = view;
  const words = phase === "held" ? t("cancel.held", { seat: booking.seat }) : t("cancel.confirmed", { seat: booking.seat, money: money(booking.amount_minor, booking.currency) });
  // The wish goes before the closing, and second clicks of double clicks are passed over: they would answer a question that nobody has read, or meet
  // the button that lies under the dialog.
  const answer = (kind, text, action, attributes) => el("button", { type: "button", class: kind, on: { click: ({ detail }) => detail < 2 && action() }, ...attributes }, text);
  const dialog = el(
    "dialog",
    { "aria-labelledby": "cancel-title", "aria-describedby": "cancel-words" },
    el("h2", { id: "cancel-title" }, t("cancel.title")),
    el("p", { id: "cancel-words" }, words),
    el("div", { class: "actions" }, answer("primary danger", t("booking.cancel"), cancel), answer("secondary", t("cancel.keep"), () => dialog.close(), { autofocus: true })),
  );
  dialog.phase = phase;
  dialog.addEventListener("close", () => {
    view.dialog = null;
    dialog.remove();
  });
  view.dialog = dialog;
  view.root.append(dialog);
  dialog.showModal();
}

/** Shows the secret of a booking beside its button, or hides it. */
export function turnSecret(toggle, { secret }) {
  const shown = toggle.getAttribute("aria-expanded") === "true";
  toggle.setAttribute("aria-expanded", String(!shown));
  toggle.textContent = t(shown ? "booking.secret.show" : "booking.secret.hide");
  if (shown) return toggle.nextElementSibling.remove();
  const code = el("code", {}, secret);
  const said = el("p", { class: "muted", role: "status" });
  const copy = el("button", { type: "button", class: "secondary", on: { click: () => copyOf(code, said) } }, t("booking.secret.copy"));
  toggle.after(el("div", { class: "secret-shown" }, el("p", { class: "muted" }, t("booking.secret.words")), code, copy, said));
}

async function copyOf(code, said) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    said.textContent = t("booking.secret.copied");
  } catch {
    // Not allowed here: it is selected, and the customer's own keys do the rest.
    getSelection().selectAllChildren(code);
    said.textContent = t("booking.secret.select");
  }
}

/** Learns flight and price of a booking that another machine made, once; `then` draws it. What fails is tried again when this is called again. */
export async function learn(view, then) {
  if (view.isLearning) return;
  view.isLearning = true;
  try {
    const { booking, signal } = view;
    const flight = view.about.flight ?? (await flightOf(booking.flight_id, signal)) ?? {};
    const price = ENDED.has(booking.status) ? {} : await priceOf(booking, signal);
    view.about = { flight, ...price };
    kept.keep(booking, view.secret, view.about);
    then(view);
  } catch {
    view.isLearning = false;
  }
}

async function priceOf({ flight_id: flightId, seat, bags }, signal) {
  const { seats, fares = [] } = await call("GET", `flights/${flightId}/seats`, { signal });
  const own = seats.find((one) => one.seat === seat);
  const fare = fares.find(({ cabin }) => cabin === own?.cabin);
  return fare && own.price_minor !== undefined ? { price_minor: own.price_minor + bags * fare.bag_minor, currency: fare.currency } : {};
}
