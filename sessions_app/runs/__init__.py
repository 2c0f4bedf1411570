"""Runs: one answer to one question, as a row with its own thread and a numbered log.

service.start_run ──on commit──▶ executor ──▶ claims ──▶ step ──▶ finish
                                                          │ events
                                  doorbell ◀── log ◀──────┘
                                                └──▶ writer ──▶ RunBatch rows
reaper: ends what nobody works on any more, submits what waits
tail:   what a reader has not seen yet, from memory or from the rows
"""
