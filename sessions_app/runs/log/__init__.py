"""The log of a run: numbered events, in memory while it is at work, in rows for good.

    the run's thread ─▶ live ─▶ run_log ─▶ batches ─▶ doorbell    at once, to open pages
                          │        └─▶ writer ─▶ RunBatch rows    one transaction a tick
                          └─▶ response                            the answer so far

    tail      what a reader has not seen yet: from memory, else from the rows
    polling   the same for whoever has no socket
    events    what happens in a run beside what a vendor says

The log is the truth: whoever missed something on its way reads it here.
"""
