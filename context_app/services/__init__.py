"""What may be done with contexts, tools' intents, audits and the library.

    context, chunks     what the next request is made of; changes of it
    order               where a chunk stands among the others
    requests            exact requests, as they were sent
    library             words for many conversations: library_leaving, library_news
    search              messages, titles and chunks
    intents, policy     from a tool call to a decision; declared: what is wrong with one;
                        dry_run: had the rules been others
    chain               their record: chain_facts, chain_check
    audits              what people keep of them

Called by `sessions_app` and our own doors, which know whose conversation it is.
"""
