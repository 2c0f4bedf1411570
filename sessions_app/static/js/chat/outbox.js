// chat/outbox.js: what was said and is not accepted yet. Sent again after a reconnect under the
// same id, so that the server takes it once. Survives a reload of the page.

// Of this person only: somebody else may sign in to the same tab.
const KEY = `maestro.outbox.${document.body.dataset.person ?? ""}`;

export class Outbox {
  constructor(socket) {
    this.socket = socket;
    this.waiting = new Map(load());
  }

  get isEmpty() { return this.waiting.size === 0; }

  put(frame) {
    const whole = { ...frame, client_message_id: crypto.randomUUID?.() ?? random() };
    this.waiting.set(whole.client_message_id, whole);
    this.save();
    this.socket.send(whole);
  }

  flush() { for (const frame of this.waiting.values()) this.socket.send(frame); }

  // Whether it was ours: frames about other pages' questions come here too.
  done(id) {
    const isOurs = this.waiting.delete(id);
    this.save();
    return isOurs;
  }

  // The text of what was refused, so that it can go back into the box.
  refused(id) {
    const text = this.waiting.get(id)?.text ?? "";
    this.done(id);
    return text;
  }

  save() {
    try { sessionStorage.setItem(KEY, JSON.stringify([...this.waiting])); } catch { /* full or private */ }
  }
}

function load() {
  try { return JSON.parse(sessionStorage.getItem(KEY)) ?? []; } catch { return []; }
}

// `randomUUID` needs https or loopback; a team may run on plain http in a closed network.
function random() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
