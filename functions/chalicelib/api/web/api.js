/* Calls to the API: time-outs, retries of what may be repeated, problems as errors, and the server's clock. */

const TRIES = 3;
const BACKOFF_MS = 400;
const CLOCK_ANSWER_MS = 1000;
const PROBE_TIMEOUT_MS = 4000;
const LONGEST_PAUSE_MS = 10_000;
/* Nothing has happened (503, 429), or a gateway doesn't know what has (502, 504). */
const TRY_AGAIN = new Set([429, 502, 503, 504]);
const listeners = new Set();
const flightsSeen = new Map();
let clockOffsetMs = 0;
let isClockKnown = false;
let reachable = true;
/* What to ask for to learn whether the server is back: the page, or the last GET that failed. */
let lost = { url: document.baseURI };

/**
 * An answer that says no (RFC 9457). `type` is the last part of its urn ("hold-expired"), or "unknown" when the answer isn't
 * one of ours.
 */
export class Problem extends Error {
  constructor(status, document, retryAfterS) {
    super(document.detail || document.title || `HTTP ${status}`);
    /** @type {string} */ this.type = String(document.type ?? "unknown").split(":").pop();
    /** @type {number} */ this.status = status;
    /** @type {string} in English, for logs: what a customer reads is in words.*.js */ this.detail = this.message;
    /** @type {string|undefined} the field that is wrong, as "$.passenger.email" */ this.field = document.errors?.[0]?.field;
    /** @type {number|undefined} */ this.retryAfterS = retryAfterS;
  }
}

/** No answer: the network is lost, the server silent, or the answer cut off. Whether the call had an effect is unknown. */
export class Unreachable extends Error {}

/** Now in milliseconds by the server's clock: the customer's own may be wrong. */
export const serverNow = () => Date.now() + clockOffsetMs;

/** Calls `fn(true|false)` whenever the server becomes reachable or unreachable. Returns the end of it. */
export function onReach(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

/** Notes that the server was, or was not, reached; also from the browser's own events. */
export function reached(now) {
  if (now === reachable) return;
  reachable = now;
  for (const fn of listeners) fn(now);
}

/** Asks for what failed last, once, so that a screen that doesn't poll learns too that the server is back; tells whether it is. */
export async function probe() {
  try {
    await fetch(lost.url, { headers: lost.headers, cache: "no-store", signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    reached(true);
    return true;
  } catch {
    return false; // still lost
  }
}

/**
 * Calls the API and returns its parsed answer. Throws Problem, Unreachable, or the reason of `signal`.
 * What may be repeated (all but a POST without `key` or `repeat`) is tried three times.
 * @param {"GET"|"POST"|"DELETE"} method
 * @param {string} path relative to the page: "bookings/K7X2M9"
 * @param {{body?: object, secret?: string, key?: string, repeat?: boolean, signal?: AbortSignal, timeoutMs?: number}} [options]
 *   `key`: the Idempotency-Key. `repeat`: this POST does the same when it is sent twice. `timeoutMs` is that of one try.
 */
export async function call(method, path, options = {}) {
  const repeatable = options.repeat ?? (method !== "POST" || options.key !== undefined);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(method, path, options);
    } catch (error) {
      const passing = error instanceof Unreachable || TRY_AGAIN.has(error.status);
      // One that was made before without an answer may be refused for having arrived.
      error.isRepeat = attempt > 1;
      if (!repeatable || !passing || attempt === TRIES) throw error;
      await pause(pauseMs(attempt, error.retryAfterS), options.signal);
    }
  }
}

async function once(method, path, { body, secret, key, signal, timeoutMs = 10_000 }) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (secret) headers.Authorization = `Bearer ${secret}`;
  if (key) headers["Idempotency-Key"] = key;
  const ends = [AbortSignal.timeout(timeoutMs), signal].filter(Boolean);
  const request = { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.any(ends) };
  const url = new URL(path, document.baseURI);
  const sentMs = Date.now();
  let response;
  let text;
  try {
    response = await fetch(url, request);
    noteClock(response.headers.get("Date"), sentMs);
    text = await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    if (method === "GET") lost = { url, headers };
    reached(false);
    throw new Unreachable(error.message);
  }
  reached(true);
  return answerOf(response, text);
}

function answerOf(response, text) {
  const parsed = parse(text);
  const retryAfterS = Number(response.headers.get("Retry-After")) || undefined;
  if (!response.ok) throw new Problem(response.status, parsed ?? {}, retryAfterS);
  // Some captive portals answer 200 with a page of their own: that isn't the server.
  if (!parsed) throw new Unreachable("the answer is not JSON");
  return parsed;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function noteClock(date, sentMs) {
  const serverMs = Date.parse(date ?? "");
  // Of a slow answer nobody knows when the header was written.
  if (Number.isNaN(serverMs) || (isClockKnown && Date.now() - sentMs > CLOCK_ANSWER_MS)) return;
  isClockKnown = true;
  // The header counts whole seconds; half of one, and half of the way there and back, is the best guess.
  const offsetMs = serverMs + 500 - (sentMs + Date.now()) / 2;
  if (Math.abs(offsetMs - clockOffsetMs) > 1500) clockOffsetMs = offsetMs;
}

function pauseMs(attempt, retryAfterS) {
  const backoffMs = BACKOFF_MS * 2 ** attempt * (0.5 + Math.random() / 2);
  return Math.min(LONGEST_PAUSE_MS, Math.max(backoffMs, (retryAfterS ?? 0) * 1000));
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal?.addEventListener("abort", end, { once: true });
  });
}

/**
 * The flights of a route, in order of departure; with `date` ("2027-06-15") those of one local day.
 * @param {{from: string, to: string, date?: string}} route
 * @param {AbortSignal} [signal]
 */
export async function flights({ from, to, date }, signal) {
  const query = new URLSearchParams({ from, to, ...(date && { date }) });
  const { flights: found } = await call("GET", `flights?${query}`, { signal });
  for (const flight of found) flightsSeen.set(flight.flight_id, flight);
  return found;
}

/** One flight by its id, from what was seen before or by a search of its route; null when it is no longer for sale. */
export async function flight(flightId, signal) {
  const [from, to] = flightId.split("-");
  if (!flightsSeen.has(flightId) && to) await flights({ from, to }, signal);
  return flightsSeen.get(flightId) ?? null;
}
