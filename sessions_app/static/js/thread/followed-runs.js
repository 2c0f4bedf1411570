// thread/followed-runs.js: the live runs of the thread: how far each was read, and that we say so.

import { isOver } from "./message.js";

const ACK_MS = 250;

export class FollowedRuns {
  constructor(socket) {
    this.socket = socket;
    this.runs = new Map(); // run id → {view, epoch, seq, acked}
    setInterval(() => this.acknowledge(), ACK_MS);
  }

  get(id) { return this.runs.get(id); }
  end(id) { this.runs.delete(id); }
  clear() { this.runs.clear(); }

  // A run we know keeps its place; one that is over is not followed.
  begin(run, view) {
    if (run && !isOver(run) && !this.runs.has(run.id)) this.runs.set(run.id, { view, epoch: 0, seq: 0, acked: 0 });
  }

  positions() { return [...this.runs].map(([run_id, { epoch, seq }]) => ({ run_id, epoch, seq })); }

  acknowledge() {
    for (const [run_id, run] of this.runs) {
      if (run.seq > run.acked && this.socket.send({ type: "ack", run_id, epoch: run.epoch, seq: run.seq })) run.acked = run.seq;
    }
  }
}
