// chat/page.js: wires the chat page: socket ⇄ thread, composer, sidebar, picker.

import { showFoundChunk } from "../context/found-chunk.js";
import { ContextPanel } from "../context/panel.js";
import { offer } from "../credentials/local-servers.js";
import { CredentialNotices } from "../credentials/notices.js";
import { api } from "../shared/api.js";
import { byId, toast } from "../shared/dom.js";
import { ChatSocket } from "../shared/socket.js";
import { storageTrouble } from "../shared/storage-banner.js";
import { STRINGS } from "../shared/strings.js";
import { mayControl, showAccess } from "../sharing/access.js";
import { ShareDialog } from "../sharing/dialog.js";
import { showFound } from "../thread/found-message.js";
import { messageActions } from "../thread/message-actions.js";
import { Thread } from "../thread/thread.js";
import { Answering } from "./answering.js";
import { Composer } from "./composer.js";
import { Effort } from "./effort.js";
import { ModelPicker } from "./model-picker.js";
import { Outbox } from "./outbox.js";
import { listen } from "./shortcuts.js";
import { Sidebar } from "./sidebar.js";
import { exportLink, title } from "./stage-head.js";
import { ToolsToggle } from "./tools-toggle.js";
import { welcome } from "./welcome.js";

const base = document.body.dataset.chatUrl ?? "/";
const socket = new ChatSocket(document.body.dataset.socketToken);
const thread = new Thread(socket);
const composer = new Composer();
const sidebar = new Sidebar();
const picker = new ModelPicker();
const outbox = new Outbox(socket);
const tools = new ToolsToggle();
const effort = new Effort(picker);
const sharing = new ShareDialog();
const context = new ContextPanel(socket, { options: () => options(), draft: () => composer.box.value, length: (id) => thread.lengthOf(id), begin });

async function open(id, { push = true } = {}) {
  if (thread.conversationId && thread.conversationId !== id) socket.send({ type: "unfollow", conversation_id: thread.conversationId });
  if (push) history.pushState({}, "", id ? `${base}c/${id}/` : base);
  sidebar.open(id);
  exportLink(id);
  context.open(id);
  byId("welcome").hidden = Boolean(id);
  if (!id) { thread.clear(); showAccess(null); title(""); thread.mark(); greet(); composer.focus(); return; }
  const { picks } = picker;
  try {
    const { conversation, access, owner } = await api("GET", `/api/conversations/${id}/`);
    if (context.id !== id) return; // they went elsewhere
    title(conversation.title);
    showAccess(conversation, access, owner);
    await thread.open(id);
    if (context.id !== id) return;
    if (conversation.credential_id && picker.picks === picks) await picker.use(conversation.credential_id, conversation.model);
    context.changed(); // now that its length is known
  } catch (error) {
    toast(error.message);
    if (error.status === 404) open("");
  }
}

// At the message, or the part of the context, in which a search found the words.
async function openAt({ id, place }) {
  await open(id);
  if (thread.conversationId !== id) return; // they went elsewhere
  if (place?.kind === "message" && !(await showFound(thread, place.id))) toast(STRINGS.foundElsewhere);
  if (place?.kind === "chunk" && !(await showFoundChunk(context, place))) toast(STRINGS.foundRemoved);
}

// A conversation before its first question: something is to be said with it.
async function begin() {
  const { conversation } = await api("POST", "/api/conversations/");
  sidebar.changed(conversation);
  await open(conversation.id);
  return conversation.id;
}

const greet = () => welcome(picker, (text) => { composer.set(text); composer.focus(); });

function options(choice = picker.choice) {
  return { credential_id: choice.credential_id, model: choice.model || null, tools: tools.isOn, reasoning_effort: effort.of(choice) };
}

function send(text) {
  if (!picker.credential) { toast(STRINGS.noCredential); return; }
  // Under what is seen here; another page may show another branch meanwhile.
  const isDrawn = (context.id ?? "") === thread.conversationId; // else the one before is still seen
  const isUnder = isDrawn && outbox.isEmpty && !thread.pages.hasNewer && !thread.last?.isMine;
  const parent_id = isUnder ? thread.last?.id ?? null : null;
  outbox.put({ type: "send", text, conversation_id: context.id, parent_id, ...options() });
  composer.clear();
  if (!socket.isReady) toast(STRINGS.unsent);
}

const HEARS = new Set(["running", "retrying", "waiting"]);

// What others asked for, others stop.
function running(run) {
  const isOurs = Boolean(run) && mayControl(run);
  composer.running(isOurs, isOurs && HEARS.has(run.status));
}

// Into the answer that is on its way.
function steer(text) {
  const run = thread.activeRun;
  if (!run) { send(text); return; }
  outbox.put({ type: "steer", run_id: run.id, text });
  composer.clear();
}

const actions = messageActions({ thread, outbox, socket, picker, options });

byId("messages").addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  if (!button) return;
  const view = button.closest(".message").message;
  Promise.resolve(actions[button.dataset.action](view, button)).catch((error) => toast(error.message));
});

let isBegun = false;

const frames = {
  accepted(frame) {
    const isMine = outbox.done(frame.client_message_id);
    storageTrouble("");
    const isNew = thread.conversationId !== frame.conversation.id;
    if (isNew && frame.conversation.id === context.id) return open(frame.conversation.id, { push: false }); // asked before it was drawn
    if (isNew && thread.conversationId) return sidebar.changed(frame.conversation); // they moved on
    if (isNew && frame.question.parent_id) return open(frame.conversation.id); // kept from before a reload
    byId("welcome").hidden = true;
    thread.accepted(frame, isMine);
    sidebar.changed(frame.conversation);
    if (isNew) {
      history.pushState({}, "", `${base}c/${frame.conversation.id}/`);
      sidebar.open(frame.conversation.id);
      exportLink(frame.conversation.id);
      context.open(frame.conversation.id);
    }
    title(frame.conversation.title);
  },
  run({ run }) { if (run.conversation_id === thread.conversationId) thread.run(run); },
  batch(frame) {
    for (const event of frame.events) if (event.type === "steered") outbox.done(event.client_message_id);
    thread.batch(frame);
  },
  intent({ intent }) { if (intent.conversation_id === thread.conversationId) thread.intent(intent); },
  rewind(frame) { thread.rewind(frame); },
  message({ message }) { if (message.conversation_id === thread.conversationId) thread.message(message); },
  conversation({ conversation }) {
    sidebar.changed(conversation);
    if (conversation.id !== thread.conversationId) return;
    title(conversation.title);
    showAccess(conversation);
  },
  error(frame) {
    if (frame.conversation_id && frame.conversation_id === thread.conversationId) open(""); // theirs no more
    const text = outbox.refused(frame.client_message_id);
    if (text && !composer.box.value) composer.set(text); // nothing typed is lost
    if (frame.code === "storage_full") storageTrouble(frame.message);
    else toast(frame.message);
  },
};

socket.addEventListener("frame", ({ detail }) => frames[detail.type]?.(detail));
socket.addEventListener("ready", () => {
  byId("connection").hidden = true;
  thread.follow();
  if (!isBegun) return; // the page is still being filled
  outbox.flush();
  thread.refresh().catch(() => {}); // the next reconnect asks again
});
socket.addEventListener("gone", ({ detail }) => {
  byId("connection").textContent = detail === 4401 || detail === 4403 ? STRINGS.signedOut : STRINGS.offline;
  byId("connection").hidden = false;
});

new Answering(picker, () => thread.conversationId || begin());
new CredentialNotices().watch(socket, picker);
composer.addEventListener("send", ({ detail }) => send(detail));
composer.addEventListener("stop", () => stop());
composer.addEventListener("edit-last", () => {
  const mine = thread.views.filter((view) => view.isMine).at(-1);
  if (mine && !thread.pages.hasNewer) actions.edit(mine); // the last one, and no other
});
composer.addEventListener("steer", ({ detail }) => steer(detail));
byId("messages").addEventListener("maestro:runs", () => running(thread.activeRun));
picker.addEventListener("change", greet);
for (const one of [picker, tools, effort]) one.addEventListener("change", () => context.changed());
sidebar.addEventListener("share", ({ detail }) => sharing.open(detail));
byId("shared-badge").addEventListener("click", () => sharing.open(thread.conversationId));
sidebar.addEventListener("open", ({ detail }) => openAt(detail).catch((error) => toast(error.message)));
sidebar.addEventListener("renamed", ({ detail }) => { if (detail.id === thread.conversationId) title(detail.title); });
sidebar.addEventListener("deleted", ({ detail }) => { if (detail === thread.conversationId) open(""); });
document.addEventListener("maestro:credentials-changed", () => picker.load());
addEventListener("popstate", () => open(location.pathname.match(/\/c\/([0-9a-f-]{36})\//)?.[1] ?? "", { push: false }));
document.querySelector("[data-new-chat]").addEventListener("click", () => { sidebar.toggle(false); open(""); });

function stop() {
  const run = thread.activeRun;
  if (run) socket.send({ type: "stop", run_id: run.id });
}

const search = () => { sidebar.toggle(true); byId("search").select(); };
listen({ stop, search, newChat: () => open(""), focus: () => composer.focus() });

sidebar.load().catch((error) => toast(error.message));
await picker.load().catch((error) => toast(error.message));
await open(document.body.dataset.conversationId, { push: false });
isBegun = true;
outbox.flush();
offer(byId("local-servers"), picker.credentials, (server) => { location.href = `${base}credentials/?local=${server.provider}#add`; });
composer.focus();
