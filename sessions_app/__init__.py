"""People's side: saved authentications, conversations, messages and runs.

    doors       consumers/ views/ admin/ management/; urls, routing, tasks, signals
    below them  runs/ ─▶ services/ ─▶ tokens/ ─▶ models/ ─▶ sealing/; frames/: for sockets

    signing in  sign_in (who may), guessing (how often), seen (with which browser),
                sign_out_news (open pages find out)
    pages       navigation, context_processors
    processes   processes (which one), presence (who lives), counters and metrics
    values      person (the type of whoever acts), errors, storable, storage, installation
    start       apps, checks

`frames_doc` makes docs/frames.md. Who may import whom: docs/architecture.md.
"""
