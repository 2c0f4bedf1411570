"""All pieces, asked one by one or in a few threads, with progress, and an end at any time.

One thread (`parallel` 1) is the caller's own: a store that holds a database connection per
thread then needs no care. More are threads of their own, which end before `ask_all` does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from providers.audit.asking import Asker, Heard, Notice
from providers.audit.options import Progress
from providers.audit.split import Piece
from providers.errors import ProviderError
from providers.retry import RetryClass, classify

# After one of these no other piece would fare better.
_HOPELESS = (RetryClass.AUTH, RetryClass.LIMITED)
_WATCH_S = 0.1


class Work:
    """The pieces of one audit. `ask_all` once; thread-safe inside."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        new_asker: Callable[[Notice], Asker],
        *,
        cancel: threading.Event | None,
        on_progress: Progress | None,
        on_heard: Callable[[Sequence[Heard]], None],
        after_thread: Callable[[], None] | None,
    ) -> None:
        self._heard = [Heard(piece) for piece in pieces]
        self._new_asker = new_asker
        self._cancel = cancel
        self._on_progress = on_progress
        self._on_heard = on_heard
        self._after_thread = after_thread
        self._lock = threading.Lock()
        self._over: set[int] = set()  # places of the pieces that nobody asks about now
        self._telling = threading.Lock()
        self._next = 0
        self._done = 0
        self._hopeless: ProviderError | None = None
        self._askers: list[Asker] = []
        self._bug: BaseException | None = None

    def ask_all(self, parallel: int) -> list[Heard]:
        """What came of each piece, in their order."""
        with self._watched():
            if min(parallel, len(self._heard)) == 1:
                self._work()
            else:
                self._work_in_threads(min(parallel, len(self._heard)))
        return self._heard

    def _work_in_threads(self, count: int) -> None:
        threads = [
            threading.Thread(target=self._thread, name=f"audit-{i}", daemon=True)
            for i in range(count)
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:  # Ctrl-C: the others must not go on by themselves
            self._give_up()
            raise
        if self._bug is not None:
            raise self._bug

    def _thread(self) -> None:
        try:
            self._work()
        except BaseException as exc:
            self._bug = self._bug or exc
            self._give_up()
        finally:
            if self._after_thread is not None:
                self._after_thread()

    def _work(self) -> None:
        asker = self._new_asker(self._tell)
        self._askers.append(asker)
        while (place := self._take()) is not None:
            heard = self._heard[place]
            if self._hopeless is not None:
                heard.failed.append((heard.piece, self._hopeless))
                continue
            self._tell(f"reading {_named(heard.piece)}")
            asker.ask(heard.piece, heard)
            for _, error in heard.failed:
                if classify(error.info()) in _HOPELESS:
                    self._hopeless = error
            with self._lock:
                self._done += not heard.failed and not heard.stopped
                self._over.add(place)
            if heard.claims:
                self._tell_heard()
            self._tell(f"read {_named(heard.piece)}")

    def _tell_heard(self) -> None:
        """What came of all pieces so far, in an order in which it only grows."""
        with self._telling:
            with self._lock:
                over = set(self._over)
            if len(over) == len(self._heard):
                return  # the report of the end is made at once
            self._on_heard(
                [
                    one if at in over else Heard(one.piece, stopped=[one.piece])
                    for at, one in enumerate(self._heard)
                ]
            )

    def _take(self) -> int | None:
        with self._lock:
            if self._next >= len(self._heard):
                return None
            self._next += 1
            return self._next - 1

    def _give_up(self) -> None:
        """No further pieces; what is being asked ends now."""
        with self._lock:
            self._next = len(self._heard)
        for asker in self._askers:
            asker.close()

    def _tell(self, what: str) -> None:
        if self._on_progress is not None:
            self._on_progress(self._done, len(self._heard), what)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Close what is open within a moment after `cancel` was set."""
        cancel = self._cancel
        if cancel is None:
            yield
            return
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(_WATCH_S):
                if cancel.is_set():
                    for asker in self._askers:
                        asker.close()

        watcher = threading.Thread(target=watch, name="audit-watch", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            is_over.set()
            watcher.join()


def _named(piece: Piece) -> str:
    """The piece for people: its first file and how many more."""
    first = piece[0]
    files = {excerpt.file.path for excerpt in piece}
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    is_part = len(first.lines) < len(first.file.lines)
    part = f" from line {first.span[0]}" if is_part else ""
    return f"{first.file.path}{part}{more}"
