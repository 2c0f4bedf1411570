// found-message.js: brings the thread to a message that a search found, and marks it.

const PAGES = 10; // of older messages that are fetched to get there
const PAGE = 200;

// Whether it is there: it may be in another version of the conversation, or far above.
export async function showFound(thread, id) {
  const { conversationId } = thread;
  for (let page = 0; page < PAGES && !thread.find(id) && !thread.older.hidden; page += 1) {
    await thread.loadOlder(PAGE);
    if (thread.conversationId !== conversationId) return true; // they went elsewhere
  }
  const found = thread.find(id);
  if (!found) return false;
  for (const view of thread.views) view.node.classList.toggle("message--found", view === found);
  thread.end.toPlace(thread.list, found.node);
  found.node.tabIndex = -1;
  found.node.focus({ preventScroll: true });
  return true;
}
