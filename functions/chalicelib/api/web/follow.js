/* Lets a seat plan follow the sale: what other customers do, and what this one does in other tabs. */

import { call } from "./api.js";
import * as kept from "./kept.js";

/** Asks how the seats are now and shows what differs. */
export async function refresh(plan) {
  let answer;
  try {
    answer = await call("GET", `flights/${plan.id}/seats`, { signal: plan.signal, repeat: false });
  } catch {
    // The banner tells of a lost network, and the next refresh asks again; what is shown stays.
    return;
  }
  update(plan, answer.seats);
}

/** Shows what differs because this browser's own bookings do. */
export const repaint = (plan) => update(plan, [...plan.seats.values()]);

/** Asks how this browser's own bookings of a flight stand: they may have ended while no page looked. Never fails. */
export async function refreshOwn({ id, signal }) {
  const ask = ({ record_locator: ref, secret }) => call("GET", `bookings/${ref}`, { secret, signal, repeat: false });
  // Of one without an answer, or that the server no longer knows, what was seen last stays.
  await Promise.all(kept.liveOn(id).map((booking) => ask(booking).then(kept.update, () => {})));
}

/* What differs is painted in one frame, and nothing else is touched: focus and choice stay. */
function update(plan, seats) {
  const { statusOf, takeIn } = plan.tools;
  const own = kept.seatsOf(plan.id);
  const known = seats.filter(({ seat }) => plan.buttons.has(seat));
  const changed = known.filter((seat) => plan.statuses.get(seat.seat) !== statusOf(seat, own));
  // An own seat that is free again: its booking has ended.
  if (changed.some(({ seat }) => plan.statuses.get(seat) === "yours")) refreshOwn(plan);
  for (const seat of changed) takeIn(plan, seat, own);
  if (changed.length) requestAnimationFrame(() => paint(plan, changed));
}

function paint(plan, changed) {
  const { drawFree, open, paintSeat } = plan.tools;
  const start = performance.now();
  for (const { seat } of changed) paintSeat(plan, seat);
  drawFree(plan);
  performance.measure("seat-map-refresh", { start });
  const lost = plan.selected && plan.statuses.get(plan.selected);
  if (lost === "held" || lost === "taken") open(plan, { why: "just_taken", seat: plan.selected });
}
