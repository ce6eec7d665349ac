/* Lets a seat plan follow the sale: what other customers do, and what this one does in other tabs. */

import { call } from "./api.js";

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

/* What differs is painted in one frame, and nothing else is touched: focus and choice stay. */
function update(plan, seats) {
  const { ownSeats, statusOf, takeIn } = plan.tools;
  const own = ownSeats(plan.id);
  const known = seats.filter(({ seat }) => plan.buttons.has(seat));
  const changed = known.filter((seat) => plan.statuses.get(seat.seat) !== statusOf(seat, own));
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
