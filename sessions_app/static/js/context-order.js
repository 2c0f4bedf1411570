// context-order.js: where a part of the context may go, and the position that puts it there.

// Instructions come first, in an order of their own; then what is material.
const GROUP = { system: 0, persona: 0 };
const group = (chunk) => GROUP[chunk.kind] ?? 1;

export const canMove = (chunk) => chunk.scope === "conversation" && chunk.state === "ready";

// The nodes between which this one may stand, itself among them.
export function places(list, chunk) {
  return [...list.children].filter(({ chunk: other }) => !other.message_id && other.state === "ready" && group(other) === group(chunk));
}

// Of a part between these two; either may be missing.
export function between(before, after) {
  if (before && after) return (before.position + after.position) / 2;
  return before ? before.position + 1 : after.position - 1;
}

// One step up (-1) or down (1) among the conversation's own; null where there is none.
export function stepped(list, chunk, step) {
  const own = places(list, chunk).map((node) => node.chunk).filter(canMove);
  const at = own.findIndex((other) => other.id === chunk.id) + step;
  if (!own[at]) return null;
  const [next, beyond] = [own[at], own[at + step]];
  return step < 0 ? between(beyond, next) : between(next, beyond);
}
