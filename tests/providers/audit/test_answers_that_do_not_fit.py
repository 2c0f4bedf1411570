"""A model that does not keep to the form, invents, declines, or is cut off; and vendors."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from providers.audit import AuditFailed
from providers.errors import (
    ConfigurationError,
    ContentBlocked,
    CredentialRejected,
    ModelNotFound,
    ProtocolError,
)
from tests.emulator import EmulatorProcess
from tests.providers.audit.conftest import VENDORS, Audit

DEFECT = "def f(x):\n    return eval(x)\n"


def with_word(words: str) -> str:
    return f"# emulate: {words}\n{DEFECT}"


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("how", ["misfit", "truncated"])
def test_an_answer_that_does_not_fit_is_asked_for_once_more(
    how: str, vendor: str, audit: Audit, emulator: EmulatorProcess
) -> None:
    report = audit(with_word(f"{how} once"), vendor)

    assert [f.rule for f in report.findings] == ["code_injection"]
    assert report.is_complete
    assert report.usage.requests == len(emulator.bodies()) == 2


def test_the_model_is_told_what_was_wrong(
    audit: Audit, emulator: EmulatorProcess
) -> None:
    audit(with_word("misfit once"))
    audit(with_word("truncated once"))

    first, second = emulator.bodies()[1], emulator.bodies()[3]
    roles = [content["role"] for content in first["contents"]]
    assert roles == ["user", "model", "user"]
    assert "Here is what I found" in first["contents"][1]["parts"][0]["text"]
    assert "not one JSON object" in first["contents"][2]["parts"][0]["text"]
    assert "cut off" in second["contents"][2]["parts"][0]["text"]


@pytest.mark.parametrize("how", ["misfit always", "truncated always"])
def test_twice_is_an_honest_failure(
    how: str, audit: Audit, emulator: EmulatorProcess
) -> None:
    with pytest.raises(AuditFailed, match="neither had the second") as caught:
        audit(with_word(how))

    assert isinstance(caught.value, ProtocolError)
    assert len(emulator.bodies()) == 2
    assert caught.value.usage is not None
    assert caught.value.usage.requests == 2 and caught.value.usage.input_tokens > 0


def test_a_part_that_failed_is_named_and_the_rest_is_kept(audit: Audit) -> None:
    bad = with_word("misfit always") + "#\n" * 400
    good = DEFECT + "#\n" * 400
    report = audit({"bad.py": bad, "good.py": good}, piece_tokens=1200)

    assert [f.file for f in report.findings] == ["good.py"]
    assert not report.is_complete and report.score is None
    assert {part.file for part in report.not_read} == {"bad.py"}
    assert "neither had the second" in report.not_read[0].why


def test_findings_of_a_part_that_failed_are_not_called_fixed(audit: Audit) -> None:
    good, bad = DEFECT + "#\n" * 400, DEFECT + "#\n" * 400
    first = audit({"a.py": good, "b.py": bad}, piece_tokens=1200)
    broken = with_word("misfit always").replace("eval(x)", "x") + "#\n" * 400
    second = audit({"a.py": good, "b.py": broken}, piece_tokens=1200, previous=first)

    assert second.comparison is not None
    assert second.comparison.fixed == []
    assert [f.file for f in second.comparison.unconfirmed] == ["b.py"]


def test_code_that_stands_nowhere_is_no_evidence(audit: Audit) -> None:
    report = audit(with_word("invented"))

    assert [f.evidence for f in report.findings] == ["    return eval(x)"]
    (claim,) = report.rejected
    assert claim.why == "the code it quotes does not stand in the source"


def test_wrong_line_numbers_are_corrected_and_marked(audit: Audit) -> None:
    (finding,) = audit(with_word("wrong lines")).findings

    assert (finding.start_line, finding.claimed_line, finding.relocated) == (
        3,
        43,
        True,
    )


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_model_that_declines_is_said_so(vendor: str, audit: Audit) -> None:
    with pytest.raises(ContentBlocked):
        audit(with_word("declined"), vendor)


@pytest.mark.parametrize("text", ["```json\n%s\n```", "Here you are:\n%s\nDone.", "%s"])
def test_an_answer_with_words_around_it_is_read(
    text: str, audit: Audit, emulator: EmulatorProcess
) -> None:
    emulator.script(text=text % '{"findings": []}')

    assert audit(DEFECT, "custom").findings == []
    assert len(emulator.bodies()) == 1


def test_a_server_without_structured_output_is_asked_in_words(
    audit: Audit, emulator: EmulatorProcess
) -> None:
    emulator.fault(
        "status", status=400, message="Unknown parameter: 'response_format'."
    )

    emulator.script(text='{"findings": []}')

    assert audit(DEFECT, "custom").is_complete
    first, second = emulator.bodies()
    assert "response_format" in first and "response_format" not in second
    assert '"additionalProperties":false' in str(second["messages"][0])


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 429, "retry_after_s": 0.1},
        {"kind": "cut", "at_byte": 40},
    ],
)
def test_a_transient_failure_is_tried_again(
    fault: dict[str, Any], audit: Audit, emulator: EmulatorProcess
) -> None:
    emulator.fault(fault.pop("kind"), **fault)
    said: list[str] = []

    report = audit(DEFECT, on_progress=lambda _done, _total, what: said.append(what))

    assert len(report.findings) == 1
    assert any(what.startswith("waiting ") for what in said)


def test_a_refused_key_ends_the_audit_at_once(
    audit: Audit, emulator: EmulatorProcess
) -> None:
    emulator.fault("status", status=401, times=99)
    files = {f"{i}.py": DEFECT + "#\n" * 400 for i in range(5)}

    with pytest.raises(CredentialRejected):
        audit(files, piece_tokens=1200)

    assert len(emulator.bodies()) == 1


def test_a_key_that_is_refused_midway_keeps_what_was_found(
    audit: Audit, emulator: EmulatorProcess
) -> None:
    files = {f"{i}.py": DEFECT + "#\n" * 400 for i in range(4)}

    def break_it(done: int, _total: int, _what: str) -> None:
        if done == 2:
            emulator.fault("status", status=401, times=99)

    report = audit(files, piece_tokens=1200, on_progress=break_it)

    assert [f.file for f in report.findings] == ["0.py", "1.py"]
    assert [part.file for part in report.not_read] == ["2.py", "3.py"]
    assert len(emulator.bodies()) == 3


def test_a_part_that_is_too_long_for_the_model_is_halved(
    audit: Audit, emulator: EmulatorProcess
) -> None:
    emulator.fault(
        "status",
        status=400,
        message="The input token count (9) exceeds the maximum number of tokens "
        "allowed (8).",
    )
    files = {"a.py": DEFECT, "b.py": DEFECT.replace("f(", "g(")}

    report = audit(files)

    assert [f.file for f in report.findings] == ["a.py", "b.py"]
    assert len(emulator.bodies()) == 3


def test_an_unknown_model_is_an_error_and_not_an_empty_report(audit: Audit) -> None:
    with pytest.raises(ModelNotFound):
        audit(DEFECT, model="gemini-0")


@pytest.mark.parametrize("parallel", [1, 2])
def test_it_can_be_stopped_while_a_vendor_is_silent(
    parallel: int, audit: Audit, emulator: EmulatorProcess
) -> None:
    files = {f"{i}.py": DEFECT + "#\n" * 400 for i in range(3)}
    for _ in range(3):
        emulator.script(text='{"findings": []}', stall_s=30)
    cancel = threading.Event()
    timer = threading.Timer(0.5, cancel.set)
    timer.start()

    report = audit(files, piece_tokens=1200, parallel=parallel, cancel=cancel)

    emulator.wait_for_stream("client_closed")  # and not when the silence was over
    assert report.was_cancelled and not report.is_complete and report.score is None
    assert {part.why for part in report.not_read} == {"the audit was stopped"}
    assert len(report.not_read) == 3


def test_an_audit_that_was_stopped_before_it_began_sends_nothing(
    audit: Audit, emulator: EmulatorProcess
) -> None:
    cancel = threading.Event()
    cancel.set()

    assert audit(DEFECT, cancel=cancel).was_cancelled
    assert emulator.requests() == []


def test_too_many_requests_are_refused_before_the_first(
    audit: Audit, emulator: EmulatorProcess
) -> None:
    with pytest.raises(ConfigurationError, match="takes 4 requests"):
        audit(
            {f"{i}.py": "#\n" * 450 for i in range(4)},
            piece_tokens=1200,
            max_requests=3,
        )

    assert emulator.requests() == []


def test_a_bug_in_the_callers_progress_is_not_hidden(audit: Audit) -> None:
    def broken(_done: int, _total: int, _what: str) -> None:
        raise ZeroDivisionError

    for parallel in (1, 2):
        files = {f"{i}.py": "#\n" * 450 for i in range(3)}
        with pytest.raises(ZeroDivisionError):
            audit(files, piece_tokens=1200, parallel=parallel, on_progress=broken)
