// What a page of another site tries in the browser of somebody who is signed in here.
// Each attack returns what the browser let the attacker know. Put into a page by
// test_another_site.py.
window.attacks = {
  // "open", or the code with which it closed.
  socket: (url) => new Promise((tell) => {
    const socket = new WebSocket(url);
    socket.addEventListener("open", () => { tell("open"); socket.close(); });
    socket.addEventListener("close", (event) => tell(event.code));
  }),

  // The kind of answer that a script may have, or the error; and the words it may read.
  ask: async (url, options) => {
    try {
      const answer = await fetch(url, { credentials: "include", ...options });
      return [answer.type, await answer.text()];
    } catch (error) {
      return [error.name, ""];
    }
  },

  // A form of hidden fields, sent off as if a person had pressed its button.
  submit: (url, fields) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = url;
    for (const [name, value] of Object.entries(fields)) {
      const input = document.createElement("input");
      [input.type, input.name, input.value] = ["hidden", name, value];
      form.append(input);
    }
    document.body.append(form);
    form.submit();
  },

  // Our page as a part of theirs: "load" or "error", which tells nothing of what is seen.
  embed: (kind, url) => new Promise((tell) => {
    const node = document.createElement(kind);
    for (const event of ["load", "error"]) node.addEventListener(event, () => tell(event));
    if (kind === "link") node.rel = "stylesheet";
    node[{ object: "data", link: "href" }[kind] ?? "src"] = url;
    document.body.append(node);
  }),
};
