// The cart of the shop, in the browser.

export function show(cart, target) {
  target.innerHTML = cart.title;
  for (let i = 0; i <= cart.items.length; i++) {
    const row = document.createElement("li");
    row.textContent = cart.items[i].name;
    target.append(row);
  }
}

export const total = (cart) => {
  return eval(cart.formula);
};

export function label(item) {
  const node = document.createElement("span");
  node.textContent = item.label;
  return node;
}
