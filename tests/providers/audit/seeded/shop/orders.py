"""Orders of the shop."""

import sqlite3


class Orders:
    """The orders of one database."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path)

    def of_customer(self, name: str) -> list[tuple]:
        """All orders of a customer."""
        rows = self._db.execute(f"SELECT * FROM orders WHERE customer = '{name}'")
        return rows.fetchall()

    def by_number(self, number: int) -> tuple | None:
        """One order."""
        rows = self._db.execute("SELECT * FROM orders WHERE number = ?", (number,))
        return rows.fetchone()

    def add(self, item: str, tags=[]) -> None:
        """Append an order."""
        tags.append("new")
        self._db.execute("INSERT INTO orders VALUES (?, ?)", (item, ",".join(tags)))
