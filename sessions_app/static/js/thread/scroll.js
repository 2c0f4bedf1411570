// thread/scroll.js: stays at the end of the thread while it grows, until the person scrolls away.
//
// Where the person wants to be is remembered, not measured after the fact: what grows in one
// step (a table, a drawn code block) may be taller than any distance that counts as "near".

const NEAR = 80; // pixels from the end that count as "at the end" on the way down
const MARGIN = 24; // pixels above a message that was looked for

export class EndKeeper {
  // `toEnd`: what the button does, which may have to fetch the end first.
  constructor(scroller, content, button, toEnd) {
    this.scroller = scroller;
    this.button = button;
    this.isKept = true;
    this.isPart = false;
    this.top = 0;
    scroller.addEventListener("scroll", () => this.moved(), { passive: true });
    scroller.addEventListener("wheel", (event) => {
      if (event.deltaY < 0 && scroller.scrollTop > 0) this.isKept = false;
    }, { passive: true });
    scroller.addEventListener("click", (event) => { if (event.target.closest("summary")) this.unfolding(); });
    button.addEventListener("click", toEnd);
    const sizes = new ResizeObserver(() => this.grew());
    sizes.observe(content);
    sizes.observe(scroller);
  }

  get away() { return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight; }

  toEnd() {
    this.isKept = true;
    this.grew();
  }

  // Whether the end of what is drawn is not the end: then nobody is kept there.
  part(isPart) {
    this.isPart = isPart;
    if (isPart) this.isKept = false;
    this.show();
  }

  // To a message that somebody looks for. Heights are real from now on, as in `hold`.
  toPlace(content, node) {
    this.isKept = false;
    content.classList.add("messages--measured");
    const top = (of) => of.getBoundingClientRect().top; // scrollIntoView would move the page, too
    this.scroller.scrollTop += top(node) - top(this.scroller) - MARGIN;
    this.top = this.scroller.scrollTop;
    this.show();
  }

  // Upwards is a wish to read; so is nothing else. What shrinks moves us up, to the end.
  moved() {
    const { scrollTop } = this.scroller;
    if (scrollTop < this.top - 1 && this.away > 2) this.isKept = false;
    else if (scrollTop > this.top && this.away < NEAR && !this.isPart) this.isKept = true;
    this.top = scrollTop;
    this.show();
  }

  grew() {
    if (this.isKept) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.show();
  }

  // What a person unfolds grows downwards, under the line they clicked on.
  unfolding() {
    const { scrollTop } = this.scroller;
    this.isKept = false;
    requestAnimationFrame(() => {
      this.scroller.scrollTop = scrollTop;
      this.isKept = this.away < 2 && !this.isPart;
      this.show();
    });
  }

  show() { this.button.hidden = !this.isPart && (this.isKept || this.away < NEAR); }

  // Runs `change` and keeps what `place()` finds, before and after, at its height on the
  // screen. Heights are real from now on: messages out of sight have only estimated ones.
  hold(content, place, change) {
    const before = place().getBoundingClientRect().top;
    this.isKept = false;
    content.classList.add("messages--measured");
    change();
    const found = place();
    if (found) this.scroller.scrollTop += found.getBoundingClientRect().top - before;
    this.isKept = this.away < 2 && !this.isPart;
    this.show();
  }
}
