// context/order.js: where a part of the context may go, and how the server is told.

// Instructions come first, in an order of their own; then what is material.
const GROUP = { system: 0, persona: 0 };
const group = (chunk) => GROUP[chunk.kind] ?? 1;

export const canMove = (chunk) => chunk.scope === "conversation" && chunk.state === "ready";

// The nodes between which this one may stand, itself among them.
export function places(list, chunk) {
  return [...list.children].filter(({ chunk: other }) => !other.message_id && other.state === "ready" && group(other) === group(chunk));
}

// Between these two; either may be missing.
export const between = (before, after) => ({ after: before?.id ?? null, before: after?.id ?? null });

// One step up (-1) or down (1) among the conversation's own; null where there is none.
export function stepped(list, chunk, step) {
  const own = places(list, chunk).map((node) => node.chunk).filter(canMove);
  const next = own[own.findIndex((other) => other.id === chunk.id) + step];
  if (!next) return null;
  return step < 0 ? between(null, next) : between(next, null);
}
