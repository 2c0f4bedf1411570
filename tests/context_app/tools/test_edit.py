"""Writing: in one step, said in lines; patches: exactly, and all or nothing."""

import difflib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_app.tools import _diff, registry
from context_app.tools.base import ToolError

PATCH = """\
--- a/src/a.py
+++ b/src/a.py
@@ -1,2 +1,3 @@
 import os
-print('hello')
+print('hello, world')
+print('again')
--- a/README.md
+++ b/README.md
@@ -3 +3 @@
-Text.
+Other text.
"""


def tree(root):
    return {
        str(p.relative_to(root)): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and not p.is_symlink()
    }


def test_a_new_file_is_made_with_its_directories(use, workspace):
    said = use("write_file", path="new/dir/x.txt", content="one\ntwo\n")
    assert said == "Made new/dir/x.txt: 2 lines, 8 bytes."
    assert (workspace / "new/dir/x.txt").read_text() == "one\ntwo\n"


def test_what_changed_is_said_in_lines(use, workspace):
    os.chmod(workspace / "src/a.py", 0o755)
    said = use("write_file", path="src/a.py", content="import os\nimport re\n")
    assert said.startswith("Wrote src/a.py: 1 lines added, 1 removed")
    assert (workspace / "src/a.py").stat().st_mode & 0o777 == 0o755
    assert "already" in use(
        "write_file", path="src/a.py", content="import os\nimport re\n"
    )


def test_nothing_of_a_write_stays_behind(use, workspace):
    use("write_file", path="src/a.py", content="x")
    with pytest.raises(ToolError):
        use("write_file", path="src", content="x")
    assert sorted(p.name for p in (workspace / "src").iterdir()) == ["a.py", "deep"]


def test_a_patch_changes_several_files(use, workspace):
    said = use("apply_patch", patch=PATCH)
    assert said.splitlines() == [
        "2 files changed",
        "src/a.py: 2 lines added, 1 removed",
        "README.md: 1 lines added, 1 removed",
    ]
    assert (workspace / "README.md").read_text() == "# Title\n\nOther text.\n"
    assert "again" in (workspace / "src/a.py").read_text()


def test_a_patch_that_does_not_fit_changes_nothing_and_says_where(use, workspace):
    before = tree(workspace)
    with pytest.raises(ToolError) as said:
        use("apply_patch", patch=PATCH.replace("-Text.", "-Tekst."))
    assert "hunk 1 of README.md (@@ -3 +3 @@) does not fit" in str(said.value)
    assert "'Tekst.\\n'" in str(said.value) and "'Text.\\n'" in str(said.value)
    assert tree(workspace) == before


def test_a_patch_whose_writing_fails_is_taken_back(use, workspace, monkeypatch):
    """The second file cannot be written: its directory takes no new names."""
    (workspace / "locked").mkdir()
    (workspace / "locked" / "f").write_text("a\n")
    patch = PATCH + "--- a/locked/f\n+++ b/locked/f\n@@ -1 +1 @@\n-a\n+b\n"
    before = tree(workspace)
    real = os.rename

    def full(source, target, **more):
        if target == "f":
            raise OSError(28, "No space left on device")
        return real(source, target, **more)

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(ToolError, match="Nothing was changed"):
        use("apply_patch", patch=patch)
    assert tree(workspace) == before


def test_a_patch_that_cannot_be_taken_back_names_what_stays_changed(
    use, workspace, monkeypatch
):
    """The disk is full: not even the old text finds room."""
    before = tree(workspace)
    renames, real = [], os.rename

    def full(*args, **kwargs):
        renames.append(args)
        if 1 < len(renames) < 4:
            raise OSError(28, "No space left on device")
        real(*args, **kwargs)

    monkeypatch.setattr(os, "rename", full)
    more = "--- a/src/deep/b.py\n+++ b/src/deep/b.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
    with pytest.raises(ToolError) as told:
        use("apply_patch", patch=PATCH + more)
    assert "Nothing was changed" not in str(told.value)
    assert "src/a.py stays changed" in str(told.value)
    assert tree(workspace) == before | {
        "src/a.py": b"import os\nprint('hello, world')\nprint('again')\n"
    }


def test_a_patch_makes_and_removes_files(use, workspace):
    patch = (
        "diff --git a/n.txt b/n.txt\nnew file mode 100644\nindex 0..1\n"
        "--- /dev/null\n+++ b/n.txt\n@@ -0,0 +1,2 @@\n+one\n+two\n"
        "--- a/src/deep/b.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x = 1\n"
    )
    use("apply_patch", patch=patch)
    assert (workspace / "n.txt").read_text() == "one\ntwo\n"
    assert not (workspace / "src/deep/b.py").exists()
    with pytest.raises(ToolError, match="exists"):
        use("apply_patch", patch=patch.partition("--- a/src")[0])


def test_a_hunk_that_moved_is_applied_where_it_fits_once(use, workspace):
    (workspace / "f").write_text("new\n" * 3 + "a\nb\nc\n")
    use("apply_patch", patch="--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n")
    assert (workspace / "f").read_text() == "new\n" * 3 + "a\nB\nc\n"
    (workspace / "f").write_text("new\n" + "a\nb\nc\n" * 2)
    with pytest.raises(ToolError, match="2 places"):
        use("apply_patch", patch="--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n")


def test_a_missing_line_end_is_kept_and_made(use, workspace):
    (workspace / "f").write_text("a\nb")
    patch = (
        "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"
    )
    use("apply_patch", patch=patch)
    assert (workspace / "f").read_text() == "a\nb\n"
    with pytest.raises(ToolError):
        use("apply_patch", patch=patch)


@pytest.mark.parametrize(
    "patch",
    [
        "", "nonsense", "--- a/x\n", "--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
        "--- a/README.md\n+++ b/README.md\n",
        "--- a/README.md\n+++ b/README.md\n@@ nonsense @@\n",
        "--- a/README.md\n+++ b/README.md\n@@ -1,3 +1,3 @@\n # Title\n",
        "--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-# Title\n+x\n+y\n",
        "--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n",
        "--- a/../x\n+++ b/../x\n@@ -0,0 +1 @@\n+b\n",
        "--- /dev/null\n+++ b/../outside/x\n@@ -0,0 +1 @@\n+b\n",
        "--- /dev/null\n+++ /etc/x\n@@ -0,0 +1 @@\n+b\n",
        "--- a/out-file\n+++ b/out-file\n@@ -1 +1 @@\n-outside secret\n+b\n",
        "rename from a\nrename to b\n",
        "--- a/blob.bin\n+++ b/blob.bin\n@@ -1 +1 @@\n-a\n+b\n",
        PATCH + PATCH,
    ],
)  # fmt: skip
def test_a_patch_that_is_none_changes_nothing(use, workspace, outside, patch):
    before = tree(workspace), tree(outside)
    with pytest.raises(ToolError):
        use("apply_patch", patch=patch)
    assert (tree(workspace), tree(outside)) == before


_lines = st.lists(
    st.sampled_from(["a", "b", "", "--- x", "+++ y", "@@", "\\ z", "é\x0bx", "\r"]),
    max_size=25,
)


@settings(max_examples=400, deadline=None)
@given(_lines, _lines, st.booleans(), st.booleans(), st.integers(0, 3))
def test_what_diff_writes_is_applied_to_the_letter(old, new, cut_old, cut_new, around):
    before, after = ("".join(f"{one}\n" for one in lines) for lines in (old, new))
    before = before[:-1] if cut_old and old and old[-1] else before
    after = after[:-1] if cut_new and new and new[-1] else after
    if before == after:
        return
    rows = difflib.unified_diff(
        before.split("\n") and _diff._split(before), _diff._split(after),
        "a/f", "b/f", n=around,
    )  # fmt: skip
    text = ""
    for row in rows:
        ended = row.endswith("\n")
        text += row if ended else row + "\n\\ No newline at end of file\n"
    [change] = _diff.parse(text)
    assert _diff.apply(change, before) == after


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="-+@ ab/\n\\,0123", max_size=200))
def test_whatever_a_model_sends_is_refused_in_words(text):
    try:
        for change in _diff.parse("--- a/f\n+++ b/f\n" + text):
            _diff.apply(change, "a\nb\n")
    except ToolError:
        pass


@pytest.mark.parametrize(
    "path",
    [".git/hooks/pre-commit", ".github/workflows/ci.yml", ".env", ".env.production",
     "server.pem", ".bashrc", "sub/.gitlab-ci.yml", "Jenkinsfile", "x/.GIT/config",
     ".vscode/tasks.json", "id_rsa", "./.git/config", "a//.git/x"],
)  # fmt: skip
def test_writing_what_runs_or_guards_is_of_high_risk(path):
    tools = registry.tools()
    assert tools["write_file"].floor({"path": path, "content": ""}) == "high"
    patch = f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"
    assert tools["apply_patch"].floor({"patch": PATCH + patch}) == "high"


def test_other_writing_is_of_medium_risk_and_names_its_files():
    tools = registry.tools()
    assert tools["write_file"].floor({"path": "src/a.py"}) == "medium"
    assert tools["write_file"].target({"path": "./src//a.py"}) == "src/a.py"
    assert tools["apply_patch"].floor({"patch": PATCH}) == "medium"
    assert tools["apply_patch"].target({"patch": PATCH}) == "src/a.py, README.md"
