/* What happens to a booking in time: what is going on, how long the hold lasts, and the steps of its sagas, in words for customers, with names
   and figures for engineers. */

import { serverNow } from "./api.js";
import { announce, duration, el, has, language, money, replace, t } from "./dom.js";

const ENGINEER = "leleka.engineer";
const MARKS = { running: "▸", retrying: "!", waiting: "…", unanswered: "…", expired: "⧖", succeeded: "✓", failed: "✗", compensated: "↶" };
const UNDER_WAY = new Set(["running", "retrying", "waiting"]);
/* Steps that say to a customer what the step beside them says already. */
const ENGINEERS_ONLY = new Set(["HoldExpired", "FlagBooking"]);
const PAYING = ["TakePaymentMethod", "RenewSeatLock", "ProcessPayment"];
/* At these times the countdown is read out; in the last minute at once. */
const SAID_AT_S = [600, 300, 120, 60, 30, 10];
const WARN_S = 120;
const URGENT_S = 60;
/* How long a seat is held at first: the length of the bar, nothing else. */
const HOLD_S = 900;
/** How often a booking is looked at. `rest` is the longest that a timer can; a tab that is shown again asks all the same. */
export const PERIOD_MS = { active: 1000, calm: 5000, attention: 30_000, rest: 2_147_483_647 };
/* What should move and doesn't is asked for less often after this time. */
const STUCK_MS = 120_000;
const CONFIRMING = ["ConfirmSeat", "ConfirmBooking"];

/**
 * What is going on with a booking, for its headline.
 * @param {object} booking as the API shows it
 * @param {object[]|null} executions its sagas; null when they can't be read
 * @returns {"holding"|"held"|"paying"|"confirming"|"confirmed"|"undoing"|"cancelling"|"cancelled"|"attention"|"broken"}
 */
export function phaseOf(booking, executions) {
  const last = executions?.at(-1);
  if (booking.status === "NEEDS_ATTENTION") return "attention";
  if (booking.status === "CANCELLED") return isStuck(last) ? "broken" : "cancelled";
  const names = new Set(last?.steps.map(({ name }) => name));
  const isUndoing = last?.outcome === "RUNNING" && last.steps.some(({ role }) => role === "compensation");
  if (isUndoing) return errorOf(executions) ? "undoing" : "cancelling";
  if (last?.outcome === "RUNNING" && last.kind !== "saga") return "cancelling";
  const hasEnded = Boolean(last) && last.outcome !== "RUNNING";
  if (booking.status === "CONFIRMED") return hasEnded && last.kind !== "saga" ? "broken" : "confirmed";
  if (hasEnded) return "broken";
  if (booking.status === "AWAITING_PAYMENT") return "held";
  if (CONFIRMING.some((name) => names.has(name))) return "confirming";
  return last?.steps.some(isGiven) ? "paying" : "holding";
}

/* A compensation failed for good: a cancelled booking is not yet what it says. */
const isStuck = (last) => last?.steps.some(({ role, state }) => role === "compensation" && state === "failed");

/* A step that waited for the card has made the booking AWAITING_PAYMENT; one that is not any more has got it. */
const isGiven = ({ name, state }) =>
  PAYING.includes(name) || (name === "AwaitPaymentMethod" && (state === "waiting" || state === "succeeded"));

/** The error that made the last saga turn back, as a code of the API ("CARD_DECLINED"); null if none did, or the customer did. */
export function errorOf(executions) {
  const steps = executions?.at(-1)?.steps ?? [];
  const turned = steps.findLast(({ role, state }) => role === "forward" && (state === "failed" || state === "expired"));
  if (!turned) return null;
  const code = turned.state === "expired" ? "HOLD_EXPIRED" : codeOf(turned.error);
  return code === "CANCELLED_BY_CUSTOMER" ? null : code;
}

/** The headline of a phase. */
export function headlineOf(phase, booking, executions) {
  if (phase === "undoing") return t("booking.undoing", { reason: wordsOf(errorOf(executions)) });
  if (phase !== "cancelled") return t(`booking.${phase}`);
  const { reason, refunded_minor: refunded, amount_minor: charged, currency } = booking;
  const back = refunded && t("booking.refunded", { money: money(refunded, currency) });
  // A booking that was confirmed was charged: without a refund nothing is said of money.
  return [t("booking.cancelled", { reason: wordsOf(reason) }), back || (!charged && t("booking.not_charged"))].filter(Boolean).join(" ");
}

const wordsOf = (code) => t(has(`reason.${code}`) ? `reason.${code}` : "reason.OTHER");

/** When a booking should be looked at again, in milliseconds; `silenceMs` is how long there was nothing new. */
export function periodMs(phase, executions, silenceMs) {
  if (phase === "held") return PERIOD_MS.calm;
  if (phase === "attention") return PERIOD_MS.attention;
  const isFinal = (phase === "confirmed" || phase === "cancelled") && executions.every(({ outcome }) => outcome !== "RUNNING");
  if (isFinal) return PERIOD_MS.rest;
  return silenceMs > STUCK_MS ? PERIOD_MS.calm : PERIOD_MS.active;
}

/** Whole seconds until an instant, by the server's clock; never less than 0. */
export const secondsLeft = (iso) => Math.max(0, Math.ceil((Date.parse(iso) - serverNow()) / 1000));

/**
 * The time to pay, as a clock that is read out now and then.
 * @param {string} until RFC 3339
 * @returns {{element: HTMLElement, tick: () => boolean}} `tick` draws it and tells, once, that the time has just ended
 */
export function countdown(until) {
  const timer = el("span", { role: "timer", "aria-live": "off", "aria-labelledby": "clock-label", class: "left" });
  const bar = el("span", { class: "bar", "aria-hidden": true });
  const warning = el("p", { class: "warn" });
  const element = el("div", { class: "clock" }, el("span", { id: "clock-label" }, t("booking.time_to_pay")), timer, bar, warning);
  let before = 0;
  const tick = () => {
    const left = secondsLeft(until);
    say(timer, `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`);
    bar.style.setProperty("--left", String(Math.min(1, left / HOLD_S)));
    element.classList.toggle("hurry", left <= WARN_S);
    say(warning, left > WARN_S ? "" : t("booking.hurry"));
    if (left > 0 && crossed(before, left)) announce(t("booking.left", { time: spelled(left) }), { assertive: left <= URGENT_S });
    const isOver = left === 0 && before > 0;
    before = left;
    return isOver;
  };
  return { element, tick };
}

/** Whether a time that is read out was passed on the way from `before` to `left`; also after a sleep, then once. */
export const crossed = (before, left) => SAID_AT_S.some((s) => left <= s && s < before);

/** "10 minutes", "30 seconds": in full, for the ear. */
function spelled(s) {
  const [value, unit] = s >= 60 ? [Math.floor(s / 60), "minute"] : [s, "second"];
  return new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "long" }).format(value);
}

/** "CardDeclined" as "CARD_DECLINED". */
export const codeOf = (error) => (error ?? "").replace(/(?<!^)(?=[A-Z])/g, "_").toUpperCase();

/**
 * The steps of all executions in one row, each with a key that stays its own.
 * @returns {{key: string, step: object, opens: string|null, engineersOnly: boolean}[]} `opens`: the kind of the execution that begins with it
 */
export function itemsOf(executions) {
  return executions.flatMap(({ execution_id, kind, steps }) =>
    steps.map((step, index) => {
      const engineersOnly = step.role === "control" || ENGINEERS_ONLY.has(step.name);
      return { key: `${execution_id}#${index}`, step, opens: index === 0 && kind !== "saga" ? kind : null, engineersOnly };
    }),
  );
}

/**
 * The section with the steps.
 * @returns {{element: HTMLElement, update: (booking: object, executions: object[]|null) => void, tick: () => void}} `tick` ages what is under way
 */
export function timeline() {
  const list = el("ol", { class: "steps", "aria-label": t("timeline.steps") });
  const note = el("p", { class: "muted" });
  const runs = el("div", { class: "runs" });
  const view = { list, note, runs, lines: new Map(), booking: null, executions: null };
  const turn = () => {
    setEngineer(!engineer);
    toggle.setAttribute("aria-checked", String(engineer));
    if (view.booking) draw(view);
  };
  const toggle = el("button", { type: "button", role: "switch", class: "switch", "aria-checked": engineer, on: { click: turn } }, t("timeline.engineer"));
  const head = el("div", { class: "head" }, el("h2", { id: "timeline-title" }, t("timeline.title")), toggle);
  view.element = el("section", { class: "timeline card", "aria-labelledby": "timeline-title" }, head, note, list, runs);
  const update = (booking, executions) => {
    Object.assign(view, { booking, executions: executions ?? view.executions, unread: executions === null });
    draw(view);
  };
  return { element: view.element, update, tick: () => view.lines.forEach(age) };
}

function draw(view) {
  const items = itemsOf(view.executions ?? []);
  say(view.note, view.unread ? t("timeline.unread") : items.length ? "" : t("timeline.none"));
  const gone = new Set(view.lines.keys());
  items.forEach((item, place) => {
    gone.delete(item.key);
    if (!view.lines.has(item.key)) view.lines.set(item.key, lineOf(view, item));
    const line = view.lines.get(item.key);
    if (view.list.children[place] !== line.element) view.list.insertBefore(line.element, view.list.children[place] ?? null);
    paint(view, line, item);
  });
  for (const key of gone) {
    view.lines.get(key).element.remove();
    view.lines.delete(key);
  }
  const runs = engineer ? (view.executions ?? []).map(factsOfRun) : [];
  // Left alone unless it changes: somebody may be copying an execution's id.
  if (view.runs.textContent !== runs.flat().join("")) replace(view.runs, runs.map(([facts, id]) => el("p", {}, el("code", {}, facts), el("code", { class: "muted" }, id))));
}

function lineOf(view, { step, opens }) {
  const line = { mark: el("span", { class: "mark", "aria-hidden": true }), what: el("span", { class: "what" }), how: el("span", { class: "how" }), took: el("span", { class: "took" }), why: el("span", { class: "why" }), facts: el("code", { class: "facts" }) };
  const part = opens && has(`timeline.opens.${opens}`) && el("p", { class: "opens" }, t(`timeline.opens.${opens}`));
  const row = el("div", { class: "row" }, line.mark, line.what, " ", el("span", { class: "meta" }, line.how, " ", line.took), " ", line.why, line.facts);
  line.element = el("li", { dataset: { step: step.name, role: step.role } }, part, row);
  return line;
}

/** Writes what differs only: a line that has the focus or is being read stays as it is. */
function paint(view, line, { step, engineersOnly }) {
  line.step = step;
  if (line.element.dataset.state !== step.state) line.element.dataset.state = step.state;
  line.element.hidden = engineersOnly && !engineer;
  say(line.mark, step.role === "compensation" && step.state === "succeeded" ? "↶" : (MARKS[step.state] ?? "·"));
  say(line.what, titleOf(step, view.booking));
  say(line.how, stateOf(step));
  say(line.why, reasonOf(step));
  say(line.facts, engineer ? factsOf(step) : "");
  age(line);
}

/** How long it took, or has been taking. The customer's own time is counted elsewhere. */
function age({ step, took }) {
  const isCustomers = step.name === "AwaitPaymentMethod" && step.state === "waiting";
  const s = step.duration_s ?? (UNDER_WAY.has(step.state) ? (serverNow() - Date.parse(step.entered_at)) / 1000 : 0);
  // Under a tenth of a second nobody asks how long it was.
  say(took, step.role === "control" || isCustomers || s < 0.05 ? "" : duration(Math.max(0.1, s)));
}

function titleOf({ name }, booking) {
  const words = `step.${name}`;
  return has(words) ? t(words, { seat: booking.seat, count: booking.bags }) : name.replace(/(?<!^)(?=[A-Z])/g, " ");
}

function stateOf({ name, role, state, attempts, attempts_before }) {
  const words = [`state.${state}.${name}`, `state.${state}.${role}`, `state.${state}`].find(has);
  const tries = attempts + attempts_before;
  return [words ? t(words) : state, tries > 1 && t("timeline.tries", { count: tries })].filter(Boolean).join(", ");
}

function reasonOf({ state, error, role }) {
  if (!error || role === "control" || !["failed", "retrying", "running"].includes(state)) return "";
  return wordsOf(codeOf(error));
}

function factsOf({ name, role, state, attempts, attempts_before, error, entered_at, duration_s }) {
  const tries = attempts_before ? `${attempts_before} + ${attempts}` : attempts;
  return line(name, role, state, attempts > 0 && t("timeline.attempts", { tries }), error, `${entered_at.slice(11, 23)}\u00a0UTC`, inSeconds(duration_s));
}

function factsOfRun({ kind, execution_id, outcome, error, started_at, duration_s }) {
  return [line(kind, outcome, error, started_at && `${started_at.slice(0, 23).replace("Z", "")}Z`, inSeconds(duration_s)), execution_id];
}

const line = (...facts) => facts.filter(Boolean).join(" · ");
const inSeconds = (s) => s !== null && s !== undefined && `${s.toFixed(3)}\u00a0s`;

function setEngineer(on) {
  engineer = on;
  try {
    localStorage.setItem(ENGINEER, on ? "on" : "off");
  } catch {
    // Storage is blocked or full: the choice lasts as long as the page.
  }
}

function stored() {
  try {
    return localStorage.getItem(ENGINEER) === "on";
  } catch {
    return false;
  }
}

let engineer = stored();

/** Writes a text if it is another one: the same again would be read out again. */
export function say(node, words) {
  if (node.textContent !== words) node.textContent = words;
}
