"""Text, files and diffs become numbered lines; what does not fit is left out and named."""

from __future__ import annotations

import pytest

from providers.audit.source import clean_path, read_source
from providers.errors import ConfigurationError

DIFF = """\
diff --git a/a.py b/a.py
index 1..2 100644
--- a/a.py
+++ b/a.py
@@ -1,3 +1,4 @@
 one
-two
+TWO
+and a half
 three
@@ -10 +11,2 @@ def f():
 ten
+--- not a header
\\ No newline at end of file
diff --git a/gone.py b/gone.py
--- a/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-gone
"""


def test_a_text_is_one_file_under_the_name_it_is_given() -> None:
    source = read_source("a\nb\n", name="x/y.rs")

    assert source.kind == "text"
    (file,) = source.files
    assert (file.path, file.language) == ("x/y.rs", "rust")
    assert [(line.number, line.text) for line in file.lines] == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("text", ["a\r\nb", "a\rb", "a\nb\n"])
def test_lines_end_however_they_end(text: str) -> None:
    (file,) = read_source(text).files

    assert [line.text for line in file.lines] == ["a", "b"]


def test_a_diff_is_known_by_its_form_and_numbered_by_its_new_side() -> None:
    source = read_source(DIFF)

    assert source.kind == "diff"
    (file,) = source.files
    assert file.path == "a.py"
    assert [(line.number, line.mark, line.text) for line in file.lines] == [
        (1, "|", "one"),
        (0, "-", "two"),
        (2, "+", "TWO"),
        (3, "+", "and a half"),
        (4, "|", "three"),
        (11, "|", "ten"),
        (12, "+", "--- not a header"),
    ]


def test_code_that_speaks_of_diffs_is_no_diff() -> None:
    assert read_source("--- a title\n+++ another\n").kind == "text"


def test_a_diff_may_be_read_as_text_when_somebody_says_so() -> None:
    assert read_source(DIFF, kind="text").kind == "text"


@pytest.mark.parametrize(
    ("header", "path"),
    [
        ("--- a/x.py\n+++ b/x.py", "x.py"),
        ("--- /dev/null\n+++ b/new file.py\t2026-01-01", "new file.py"),
        ("--- x.py.orig\n+++ b/x.py", "b/x.py"),
        ('--- "a/z\\303\\274ri.py"\n+++ "b/z\\303\\274ri.py"', "züri.py"),
    ],
)
def test_the_path_of_a_diff(header: str, path: str) -> None:
    (file,) = read_source(f"{header}\n@@ -1 +1 @@\n+x = 1\n").files

    assert file.path == path


@pytest.mark.parametrize(
    "path",
    [
        "../secrets.py", "a/../../b.py", "/etc/passwd", "C:\\x.py", "\\\\host\\x.py",
        "a\nb.py", "a\x00.py", "\u202egnp.py", "", "x" * 500, "file:///etc/passwd",
    ],
)  # fmt: skip
def test_a_path_that_leads_outside_is_left_out_and_named(path: str) -> None:
    source = read_source({path: "x = 1", "good.py": "x = 1"})

    assert [file.path for file in source.files] == ["good.py"]
    (left,) = source.left_out
    assert "outside" in left.why and not left.is_failure
    assert left.file.isprintable()


def test_a_path_outside_in_a_diff_is_left_out_too() -> None:
    outside = "--- a/../../x.py\n+++ b/../../x.py\n@@ -1 +1 @@\n+x = 1\n"
    source = read_source(DIFF + outside)

    assert [file.path for file in source.files] == ["a.py"]
    assert len(source.left_out) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (" \n\n", "empty"),
        ("PNG\0\0", "binary"),
        ("x" * 20_000, "characters"),
    ],
)
def test_what_no_model_can_judge_is_left_out(text: str, why: str) -> None:
    source = read_source({"a.bin": text, "b.py": "x = 1"})

    assert [part.file for part in source.left_out] == ["a.bin"]
    assert why in source.left_out[0].why


def test_patterns_choose_files_and_name_the_rest() -> None:
    files = {"src/a.py": "x", "src/b/c.py": "x", "docs/d.md": "x"}
    source = read_source(files, paths=["src/*.py"])

    assert [file.path for file in source.files] == ["src/a.py", "src/b/c.py"]
    assert [part.file for part in source.left_out] == ["docs/d.md"]


def test_hints_name_the_language_that_a_name_does_not() -> None:
    hints = {"*.inc": "php", "build": "python"}
    source = read_source({"x/a.inc": "x", "build": "x", "b.go": "x"}, languages=hints)

    assert [file.language for file in source.files] == ["go", "python", "php"]


@pytest.mark.parametrize("source", ["", "\n\n", {}, {"/etc/passwd": "x"}])
def test_nothing_to_audit_is_an_error_that_says_why(
    source: str | dict[str, str],
) -> None:
    with pytest.raises(ConfigurationError, match="nothing to audit"):
        read_source(source)


def test_paths_have_one_form() -> None:
    assert clean_path(".\\src\\a.py") == "src/a.py"
    assert clean_path("./src//a.py") == "src/a.py"


def test_a_hunk_that_lies_about_its_length_ends_with_the_text() -> None:
    text = "--- a/x\n+++ b/x\n@@ -1,99 +1,99 @@\n+x = 1\n"

    (file,) = read_source(text).files
    assert file.lines[0].text == "x = 1"
