"""The context of a conversation: looked at and changed by people, live in every tab.

    look        what the next request would be, and why: everything here begins with it
    changes     texts, files, attachments, deletions; what became different is told
    preview     the exact request that would be sent, and those that were
    counting    the vendor's count of it, so many a minute
    search      words in it, also in what is not sent
    summaries   a model writes what stands for the earlier messages; paid for as runs are
    shapes      its parts and the gauge, as pages see them
    for_tools   what a tool may do with it, on behalf of its run's person

What a chunk is and what is sent of it, `context_app` knows; whose it is, is checked here.
"""
