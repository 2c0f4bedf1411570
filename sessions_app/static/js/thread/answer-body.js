// thread/answer-body.js: draws the parts of one answer, from stored parts or from live events.
// Neighbouring text parts are one text: vendors split them for reasons of their own.

import { makeSegment } from "./answer-segments.js";
import { matchIntents } from "./tool-card.js";

const KIND = { text_delta: "text", reasoning_delta: "reasoning", refusal_delta: "refusal" };

export class AnswerBody {
  constructor(element) {
    this.element = element;
    this.clear();
  }

  clear() {
    this.parts = new Map();
    this.intents ??= new Map();
    this.segments = new Map();
    this.isDirty = false;
    this.element.replaceChildren();
  }

  get isEmpty() { return this.parts.size === 0; }

  get text() {
    return this.ordered().filter((part) => part.type === "text").map((part) => part.text).join("");
  }

  ordered() { return [...this.parts.entries()].sort((a, b) => a[0] - b[0]).map(([, part]) => part); }

  // Live: one event of the run.
  apply(event) {
    const kind = KIND[event.type];
    if (kind) this.part(event.part, kind).text += event.text;
    else if (event.type === "tool_call_started") Object.assign(this.part(event.part, "tool_call"), { call_id: event.call_id, name: event.name, arguments: null });
    else if (event.type === "tool_call_delta") this.part(event.part, "tool_call").text += event.text;
    else if (event.type === "tool_call_ready") Object.assign(this.part(event.part, "tool_call"), { call_id: event.call_id, name: event.name, arguments: event.arguments });
    else if (event.type === "tool_finished") Object.assign(this.part(event.part, "tool_result"), { call_id: event.call_id, text: event.text, is_error: event.is_error });
    else if (event.type === "server_tool") Object.assign(this.part(event.part, "server_tool"), { name: event.name, status: event.status, detail: event.detail });
    else if (event.type === "steered") this.part(event.part, "steer").text = event.text;
    else if (event.type === "step_started") this.step(event);
    else if (event.type === "citation") (this.part(event.part, "text").citations ??= []).push(event);
    else return;
    this.schedule();
  }

  // Another response begins: what broke off may not count any more; somebody else may answer.
  step(event) {
    if (event.why === "repeated") {
      for (const index of [...this.parts.keys()]) if (index >= event.part) this.parts.delete(index);
      for (const segment of this.segments.values()) segment.node.remove();
      this.segments.clear();
    }
    if (event.note) this.parts.set(event.part - 0.5, { type: "note", text: event.note });
  }

  // What was declared, decided and done about a call; comes before or after its parts.
  putIntent(intent) {
    this.intents.set(intent.id, intent);
    this.schedule();
  }

  get hasCalls() { return this.ordered().some((part) => part.type === "tool_call"); }

  part(index, type) {
    if (!this.parts.has(index)) this.parts.set(index, { type, text: "", since: performance.now() });
    const part = this.parts.get(index);
    part.until = performance.now();
    return part;
  }

  schedule() {
    if (this.isDirty) return;
    this.isDirty = true;
    requestAnimationFrame(() => { if (this.isDirty) this.draw(false); });
  }

  // Whole: the parts as they are stored.
  show(parts) {
    this.clear();
    parts.forEach((part, index) => this.parts.set(index, { text: "", ...part }));
    this.draw(true);
  }

  settle() { this.draw(true); }

  draw(isOver) {
    this.isDirty = false;
    const wanted = [];
    for (const part of this.ordered()) {
      const last = wanted.at(-1);
      if (part.type === "text" && last?.type === "text") {
        last.text += part.text;
        last.citations = [...(last.citations ?? []), ...(part.citations ?? [])];
      } else if (part.type === "tool_result") {
        const call = wanted.find((one) => one.type === "tool_call" && one.call_id === part.call_id && !one.result);
        if (call) call.result = part;
      } else wanted.push({ ...part });
    }
    matchIntents(wanted, this.intents);
    wanted.forEach((part, index) => this.drawSegment(index, part, isOver, index === wanted.length - 1));
  }

  drawSegment(index, part, isOver, isLast) {
    let segment = this.segments.get(index);
    if (!segment || segment.type !== part.type) {
      segment?.node.remove();
      segment = { type: part.type, ...makeSegment(part.type) };
      this.segments.set(index, segment);
      this.element.insertBefore(segment.node, this.element.children[index] ?? null);
    }
    segment.draw(part, isOver, isLast);
  }
}
