// thread/found-message.js: brings the thread to a message that a search found, and marks it.

// Whether it is there: it may be in another version of the conversation.
export async function showFound(thread, id) {
  const { conversationId } = thread;
  if (!thread.find(id)) await thread.pages.around(id);
  if (thread.conversationId !== conversationId) return true; // they went elsewhere
  const found = thread.find(id);
  if (!found) return false;
  for (const view of thread.views) view.node.classList.toggle("message--found", view === found);
  thread.end.toPlace(thread.list, found.node);
  found.node.tabIndex = -1;
  found.node.focus({ preventScroll: true });
  return true;
}
