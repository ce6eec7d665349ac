/* The bookings that this browser keeps, and the way to one that it doesn't: record locator and secret. */

import { call, Problem, Unreachable } from "./api.js";
import { clockTime, day, el, has, replace, t } from "./dom.js";
import * as kept from "./kept.js";

const SECRET = /^[a-z2-7]{26}$/;
const REF = /^(bk-[a-z2-7]{26}|[2-9A-HJ-NP-Z]{6})$/;
/* As many are asked for anew; of the others it is shown how they stood last. */
const REFRESHED_MAX = 10;

/** Shows all kept bookings, as they stood last and then as they stand, and the form that opens another. */
export async function show(root, { signal }) {
  const list = el("div", { class: "kept" });
  replace(root, el("div", { class: "lead" }, el("h1", { tabindex: -1 }, t("bookings.title"))), el("div", { class: "bookings" }, list, openForm({ signal })));
  const view = { list, missing: new Set() };
  draw(view);
  const stop = kept.subscribe(() => draw(view));
  refresh(view, signal);
  return stop;
}

/** Shows the form for the secret of one booking; `isWrong` if the kept one did not open it. */
export async function showLocked(root, { ref: given, signal }, { isWrong = false } = {}) {
  const ref = normalRef(given);
  const lead = el("div", { class: "lead" }, el("h1", { tabindex: -1 }, t("booking.title", { ref })), el("p", { class: "muted" }, t("bookings.locked")));
  replace(root, lead, el("div", { class: "bookings" }, openForm({ ref, signal, message: isWrong ? t("bookings.missing") : "" })));
  return () => {};
}

function draw({ list, missing }) {
  const bookings = kept.all();
  const lost = kept.unreadable();
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.focus;
  replace(
    list,
    bookings.length ? el("ul", { class: "kept-list", role: "list" }, bookings.map((booking) => lineOf(booking, missing))) : el("p", { class: "muted" }, t("bookings.none")),
    lost > 0 && el("p", { class: "notice" }, t("bookings.unreadable", { count: lost })),
    !kept.isDurable() && el("p", { class: "notice" }, t("bookings.unkept")),
  );
  if (!focused) return;
  const same = [...list.querySelectorAll("[data-focus]")].find(({ dataset }) => dataset.focus === focused);
  (same ?? document.querySelector("h1")).focus();
}

function lineOf(booking, missing) {
  const { record_locator: ref, flight_id: flightId, seat, status, about } = booking;
  const { number, departs_local: departs } = about?.flight ?? {};
  const isMissing = missing.has(ref);
  const isEnded = isMissing || status === "CANCELLED";
  const where = [number ?? flightId, t("order.title", { seat }), departs && `${day(departs)}, ${clockTime(departs)}`].filter(Boolean).join(" · ");
  const forget = el("button", { type: "button", class: "secondary", "aria-label": t("bookings.forget.of", { ref }), dataset: { focus: `forget ${ref}` }, on: { click: () => forgetOne(ref, isEnded) } }, t("bookings.forget"));
  const state = isMissing ? "bookings.gone" : has(`bookings.status.${status}`) ? `bookings.status.${status}` : "bookings.status.PENDING";
  return el("li", { class: "card", dataset: { status } }, el("a", { href: `#/bookings/${ref}`, dataset: { focus: `open ${ref}` } }, ref), el("span", {}, where), el("span", { class: "state" }, t(state)), forget);
}

function forgetOne(ref, isEnded) {
  if (!isEnded && !confirm(t("bookings.forget.live", { ref }))) return;
  kept.forget(ref);
  document.querySelector("h1").focus();
}

async function refresh(view, signal) {
  const open = kept.all().filter(({ status }) => status !== "CANCELLED");
  for (const { record_locator: ref, secret } of open.slice(0, REFRESHED_MAX)) {
    try {
      kept.update(await call("GET", `bookings/${ref}`, { secret, signal }));
    } catch (error) {
      // Left, or no network: what stood last stays. The banner tells of the latter.
      if (!["booking-not-found", "missing-secret"].includes(error.type)) return;
      view.missing.add(ref);
      draw(view);
    }
  }
}

function openForm({ ref = "", signal, message = "" }) {
  const field = (name, value) => {
    const input = el("input", { id: `open-${name}`, name: `open-${name}`, value, autocomplete: "off", autocapitalize: "none", spellcheck: "false", "aria-describedby": `open-${name}-wrong` });
    return el("div", { class: "field" }, el("label", { for: input.id }, t(`bookings.${name}`)), input, el("p", { class: "wrong", id: `open-${name}-wrong` }));
  };
  const alert = el("div", { role: "alert" }, message && el("p", { class: "notice bad" }, message));
  const button = el("button", { type: "submit", class: "primary" }, t("bookings.open"));
  const heading = ref ? null : [el("h2", {}, t("bookings.open")), el("p", { class: "muted" }, t("bookings.open.words"))];
  const form = el("form", { class: "card open-form", novalidate: true }, heading, !ref && field("ref", ""), field("secret", ""), alert, button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit({ form, alert, button, ref, signal });
  });
  return form;
}

async function submit({ form, alert, button, ref: given, signal }) {
  if (button.getAttribute("aria-disabled") === "true") return;
  const ref = given || normalRef(form.elements["open-ref"].value);
  const secret = form.elements["open-secret"].value.trim().toLowerCase();
  replace(alert);
  const wrong = [!given && check(form, "ref", REF.test(ref)), check(form, "secret", SECRET.test(secret))].find(Boolean);
  if (wrong) return wrong.focus();
  button.setAttribute("aria-disabled", "true");
  try {
    const booking = await call("GET", `bookings/${ref}`, { secret, signal });
    kept.keep(booking, secret);
    go(`#/bookings/${booking.record_locator}`);
  } catch (error) {
    if (error.name !== "AbortError") replace(alert, el("p", { class: "notice bad" }, wordsOf(error)));
  }
  button.removeAttribute("aria-disabled");
}

const normalRef = (text) => (text.trim().startsWith("bk-") ? text.trim() : text.trim().toUpperCase());

/** Shows what is wrong with a field; returns it if something is. */
function check(form, name, good) {
  const input = form.elements[`open-${name}`];
  input.toggleAttribute("aria-invalid", false);
  if (!good) input.setAttribute("aria-invalid", "true");
  form.querySelector(`#open-${name}-wrong`).textContent = good ? "" : t(`bookings.${name}.wrong`);
  return good ? null : input;
}

function wordsOf(error) {
  if (error instanceof Unreachable) return t("error.unreachable");
  if (!(error instanceof Problem)) reportError(error);
  if (error.status === 404 || error.status === 422) return t("bookings.missing");
  return t(error.status === 429 || error.status === 503 ? "error.busy" : "error.other");
}

/** Goes to an address, also to the one where the page is: there it shows the screen anew. */
function go(address) {
  if (location.hash === address) dispatchEvent(new Event("hashchange"));
  else location.hash = address;
}
