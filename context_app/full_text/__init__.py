"""Full text of messages, titles and chunks: FTS5 on SQLite, tsvector on PostgreSQL.

    words.py        a query as words, and where they stand in a text    (pure)
    sqlite.py       an FTS5 table that triggers keep, asked with MATCH
    postgresql.py   generated columns with GIN indexes, asked with @@
    ask.py          the same question to either of them

`context_app.services.search` decides what a person may see and calls this.
"""
