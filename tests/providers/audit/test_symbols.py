"""The function around a line, in several languages."""

from __future__ import annotations

import pytest

from providers.audit.source import plain_lines
from providers.audit.symbols import defined_name, symbol_at


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("def f(x):", "f"),
        ("    async def fetch(self) -> None:", "fetch"),
        ("class Orders(Base):", "Orders"),
        ("function show(cart) {", "show"),
        ("export default async function load() {", "load"),
        ("export const total = (cart) => {", "total"),
        ("const f = x => x", "f"),
        ("  save: function (x) {", "save"),
        ("func (s *Server) Stop() error {", "Stop"),
        ("func stock(db *sql.DB) (*sql.Rows, error) {", "stock"),
        ("pub(crate) async fn read(&self) -> u8 {", "read"),
        ("impl Display for Thing {", "Display"),
        ("    public static List<String> names(int n) {", "names"),
        ("static char *copy_label(char *target)", "copy_label"),
        ("int main(void) {", "main"),
        ("def self.find(id)", "find"),
        ("CREATE OR REPLACE FUNCTION report.total(x int)", "report.total"),
        ("fun main(args: Array<String>) {", "main"),
        ("if (x) {", ""),
        ("for (int i = 0; i < n; i++) {", ""),
        ("} else if (ready(x)) {", ""),
        ("return total(cart)", ""),
        ("send(mail);", ""),
        ("x = compute(y)", ""),
        ("while running(x) {", ""),
    ],
)
def test_a_line_that_defines_something_names_it(line: str, name: str) -> None:
    assert defined_name(line) == name


SOURCE = """\
x = 1
class A:
    def f(self):
        for i in y:
            g(i)

    def h(self):
        pass
z = 2
"""


@pytest.mark.parametrize(
    ("line", "symbol"),
    [(1, ""), (2, "A"), (3, "f"), (5, "f"), (7, "h"), (8, "h"), (9, "")],
)
def test_the_innermost_definition_counts(line: int, symbol: str) -> None:
    assert symbol_at(plain_lines(SOURCE), line - 1) == symbol


def test_the_brace_of_c_on_a_line_of_its_own_is_passed() -> None:
    lines = plain_lines("int f(int x)\n{\n    if (x)\n    {\n        g(x);\n    }\n}\n")

    assert symbol_at(lines, 4) == "f"


def test_a_long_strange_line_takes_no_time() -> None:
    assert defined_name("a " * 5_000 + "(") == ""
    assert defined_name("(" * 9_000) == ""
