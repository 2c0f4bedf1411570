"""Runs: one answer to one question, as a row with its own thread and a numbered log.

    service.start_run ──on commit──▶ executor ─▶ claims ─▶ loop ─▶ retrying ─▶ step ─▶ vendor
                                        │                   │                    │ events
                                        ▼                   ▼                    ▼
                                      finish             toolbox     doorbell ◀─ log/ ─▶ rows

What doors call, and what they need for it:

    service    start, repeat, change, stop      asking, started  a question as rows
    steering   words into a running answer      words, unasked   to the model, or back
    decisions  yes or no to a tool call         resuming         the rest of what broke off
    closing    an account closed: all ends      snapshots        what a socket is told first

The run's thread, in the order in which it gets there:

    executor, claims    a pool of our own, and who works on what; turns: its way to rows
    loop, toolbox       answer, tools, answer, …; offered, path_rules: which tools
    retrying, failover  attempts, also somebody else's; states: what pages are told of them
    step, metering      one request, paid for; estimates: where the vendor did not say
    finish, outcome     one transaction, then the news; costs, notices, metrics, document

    log/       numbered events: in memory, in rows, read from both
    reaper     ends what nobody works on any more, submits what waits
    audits/    code audits, and
    context/   the context of a conversation: no runs, but paid for and told of as runs are

Nothing here imports in a circle (`pyproject.toml` holds it).
"""
