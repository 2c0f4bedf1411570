// shared/socket.js: the websocket: says hello, reconnects, hands frames over. Knows no page.

const PING_MS = 20_000;
const LONGEST_MS = 10_000;

export class ChatSocket extends EventTarget {
  constructor(token) {
    super();
    this.token = token;
    this.tries = 0;
    this.isReady = false;
    addEventListener("online", () => this.open());
    this.open();
  }

  open() {
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    clearTimeout(this.again);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const base = document.body.dataset.chatUrl ?? "/";
    this.socket = new WebSocket(`${scheme}//${location.host}${base}ws/chat/`);
    this.socket.addEventListener("open", () => this.write({ type: "hello", token: this.token }));
    this.socket.addEventListener("message", (event) => this.receive(JSON.parse(event.data)));
    this.socket.addEventListener("close", (event) => this.closed(event.code));
  }

  receive(frame) {
    this.heardAt = Date.now();
    if (frame.type === "ready") {
      this.isReady = true;
      this.tries = 0;
      clearInterval(this.pinging);
      this.pinging = setInterval(() => this.ping(), PING_MS);
      this.dispatchEvent(new Event("ready"));
    } else if (frame.type !== "pong") {
      this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
    }
  }

  ping() {
    // Half-open: the network went away without a word.
    if (Date.now() - this.heardAt > 2.5 * PING_MS) this.socket.close();
    else this.send({ type: "ping" });
  }

  closed(code) {
    this.isReady = false;
    clearInterval(this.pinging);
    this.dispatchEvent(new CustomEvent("gone", { detail: code }));
    if (code === 4401 || code === 4403) return; // signed out, or an old page: trying is no use
    const wait = Math.min(300 * 2 ** this.tries, LONGEST_MS) * (0.7 + 0.6 * Math.random());
    this.tries += 1;
    this.again = setTimeout(() => this.open(), wait);
  }

  // Whether it went out; what matters is kept and sent again by whoever sent it.
  send(frame) {
    if (!this.isReady || this.socket.readyState !== WebSocket.OPEN) return false; // it may be closing already
    this.write(frame);
    return true;
  }

  write(frame) { this.socket.send(JSON.stringify(frame)); }
}
