/** Options of a node that does nothing by itself. */

/** Stands still, without empty slots or reorgs in its past, and sends no comments. */
export const STILL = {
  autoplay: false,
  emptySlotRate: 0,
  reorgRate: 0,
  keepAliveMs: 0,
};
