/**
 * What this browser keeps of its customer's bookings, in localStorage: requests that were sent and not answered yet,
 * and the secrets of bookings. Each has an item of its own, since two tabs that change one list at once lose a line of
 * it. What storage refuses (full, blocked) is kept in memory, until the page is left.
 */

const BOOKING = "leleka.bookings.booking.";
const PENDING = "leleka.bookings.pending.";
const BOOKINGS_MAX = 50;
/* As long as a seat is held: who asked for a seat longer ago may not want it now. */
const FRESH_MS = 900_000;
/* The server forgets a request then, and so does this browser: there is personal data in it. */
const FORGOTTEN_MS = 86_400_000;
/* What the API takes. Others would only be refused, or could not even be sent. */
const KEY = /^[A-Za-z0-9_-]{22,128}$/;
const SECRET = /^[a-z2-7]{26}$/;
const FACTS = ["booking_id", "record_locator", "flight_id", "seat", "status", "hold_expires_at"];

const memory = new Map();
const listeners = new Set();

/**
 * @typedef {object} Kept a booking without personal data
 * @property {string} booking_id
 * @property {string} record_locator
 * @property {string} secret
 * @property {string} flight_id
 * @property {string} seat
 * @property {string} status as last seen
 * @property {string} [hold_expires_at] RFC 3339
 * @property {object} [about] what the order form knew: {flight, price_minor, currency}
 * @property {number} kept_at_ms
 */

/** The kept bookings, newest first. @returns {Kept[]} */
export function all() {
  return valid(BOOKING, isBooking).map(withoutDamage).sort((a, b) => b.kept_at_ms - a.kept_at_ms);
}

/** The kept booking with this record locator, in letters of any size, or booking id. @returns {Kept|undefined} */
export function find(ref) {
  return all().find((booking) => booking.record_locator === ref.toUpperCase() || booking.booking_id === ref);
}

/** The bookings of a flight that have not ended, as far as this browser knows. @returns {Kept[]} */
export function liveOn(flightId) {
  return all().filter((booking) => booking.flight_id === flightId && booking.status !== "CANCELLED");
}

/** The booking of this seat that has not ended. @returns {Kept|undefined} */
export function liveOf(flightId, seat) {
  return liveOn(flightId).find((booking) => booking.seat === seat);
}

/** The seats that this browser has, or has asked for and still wants. @returns {Set<string>} */
export function seatsOf(flightId) {
  const asked = pending().filter((order) => order.request.flight_id === flightId && isFresh(order));
  return new Set([...liveOn(flightId), ...asked.map(({ request }) => request)].map(({ seat }) => seat));
}

/**
 * Keeps a request before it is sent, so that it can be sent again with the same key, whatever happens to the page.
 * @param {{key: string, request: object, about?: object, begun_at_ms: number}} order `request` is the body of POST
 *   bookings
 */
export function begin({ key, request, about, begun_at_ms }) {
  write(PENDING + key, { key, request, about, begun_at_ms });
  changed();
}

/** The requests without an answer, oldest first. @returns {{key, request, about, begun_at_ms}[]} */
export function pending() {
  const orders = valid(PENDING, isRequest);
  for (const { key } of orders.filter(isForgotten)) drop(PENDING + key);
  return orders.filter((order) => !isForgotten(order)).sort((a, b) => a.begun_at_ms - b.begun_at_ms);
}

/** Whether the customer asked for it a short time ago. */
export const isFresh = (order) => ageMs(order) < FRESH_MS;

const isForgotten = (order) => ageMs(order) >= FORGOTTEN_MS;

/* The clock may have been set back since: then it is not fresh for all that time. */
const ageMs = ({ begun_at_ms: begunAtMs }) => Math.abs(Date.now() - begunAtMs);

/** The request became this booking: its secret is kept, then the request goes, with the personal data in it. */
export function finish(key, booking) {
  const { about } = read(PENDING + key) ?? {};
  put(booking, booking.secret, about);
  drop(PENDING + key);
  retryMemory();
  changed();
}

/** The request was refused or given up. */
export function fail(key) {
  drop(PENDING + key);
  changed();
}

/** Keeps a booking that was opened with its secret, and what has been learned about it (as `about` in Kept). */
export function keep(booking, secret, about) {
  put(booking, secret, about);
  changed();
}

/** How a kept booking stands now; others are not kept by this. */
export function update(booking) {
  const known = find(booking.booking_id);
  if (!known || FACTS.every((name) => known[name] === booking[name])) return;
  write(BOOKING + known.booking_id, { ...known, ...factsOf(booking) });
  changed();
}

/** Forgets a booking and its secret. */
export function forget(ref) {
  const known = find(ref);
  if (known) drop(BOOKING + known.booking_id);
  changed();
}

/** Whether all that is kept outlives the page; if not, the customer has to write the secret down. */
export function isDurable() {
  return memory.size === 0;
}

/** How many items can't be read: damaged, or of another version of the page. */
export function unreadable() {
  const good = valid(BOOKING, isBooking).length + valid(PENDING, isRequest).length;
  return names(BOOKING).length + names(PENDING).length - good;
}

/** Calls `fn` after each change, also by another tab. @returns {() => void} ends it */
export function subscribe(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

addEventListener("storage", (event) => {
  // A null key: everything was cleared.
  if (event.key === null || event.key.startsWith(BOOKING) || event.key.startsWith(PENDING)) changed();
});

// A reload would lose what only memory has: the browser asks before.
addEventListener("beforeunload", (event) => {
  if (!isDurable()) event.preventDefault();
});

/* What one listener can't do is no reason not to tell the others, and not to go on. */
function changed() {
  for (const fn of [...listeners]) {
    try {
      fn();
    } catch (error) {
      reportError(error);
    }
  }
}

function put(booking, secret, about) {
  const known = find(booking.booking_id);
  const kept = { kept_at_ms: Date.now(), ...known, ...factsOf(booking), secret, about: about ?? known?.about };
  if (!known) makeRoom();
  write(BOOKING + booking.booking_id, kept);
}

function factsOf(booking) {
  return Object.fromEntries(FACTS.map((name) => [name, booking[name]]));
}

/** When there are too many: what can't be read goes first, then ended bookings, then the oldest. */
function makeRoom() {
  if (names(BOOKING).length < BOOKINGS_MAX) return;
  for (const name of names(BOOKING)) if (!isBooking(read(name))) drop(name);
  for (const name of names(PENDING)) if (!isRequest(read(name))) drop(name);
  const isEnded = (booking) => booking.status === "CANCELLED";
  const leastWanted = all().reverse().sort((a, b) => isEnded(b) - isEnded(a));
  const surplus = Math.max(0, leastWanted.length - BOOKINGS_MAX + 1);
  for (const booking of leastWanted.slice(0, surplus)) drop(BOOKING + booking.booking_id);
}

function valid(prefix, isGood) {
  return names(prefix).map(read).filter(isGood);
}

function isBooking(item) {
  const isWhole = isTexts(item, "booking_id", "record_locator", "secret", "flight_id", "seat", "status");
  return isWhole && SECRET.test(item.secret);
}

function isRequest(item) {
  const isWhole = isTexts(item, "key") && KEY.test(item.key) && Number.isFinite(item.begun_at_ms);
  return isWhole && isTexts(item.request, "flight_id", "seat") && isTexts(item.request.passenger, "name", "email");
}

/* What the form knew can be learned again; shown with damage, it would take the screen with it. */
function withoutDamage(booking) {
  const { flight, currency } = booking.about ?? {};
  const isGood = isTime(flight?.departs_local) && isTime(flight?.arrives_local) && isCurrency(currency);
  return isGood ? booking : { ...booking, about: undefined };
}

const isTime = (text) => text === undefined || (/^\d{4}(-\d\d){2}T\d\d:\d\d/.test(text) && Date.parse(text) > 0);
const isCurrency = (text) => text === undefined || /^[A-Z]{3}$/.test(text);

function isTexts(item, ...fields) {
  return Boolean(item) && fields.every((field) => typeof item[field] === "string");
}

// From here on: storage that may be full, blocked or damaged. Memory goes before it.

function names(prefix) {
  const found = new Set([...memory.keys(), ...stored(() => Object.keys(localStorage), [])]);
  return [...found].filter((name) => name.startsWith(prefix));
}

function read(name) {
  if (memory.has(name)) return memory.get(name);
  return stored(() => JSON.parse(localStorage.getItem(name)), null);
}

function write(name, item) {
  const done = stored(() => (localStorage.setItem(name, JSON.stringify(item)), true), false);
  if (done) memory.delete(name);
  else memory.set(name, item);
}

function drop(name) {
  memory.delete(name);
  stored(() => localStorage.removeItem(name));
}

/** The request that has just gone may have left room for what storage refused. */
function retryMemory() {
  for (const [name, item] of [...memory]) write(name, item);
}

function stored(action, otherwise) {
  try {
    return action();
  } catch {
    return otherwise;
  }
}
