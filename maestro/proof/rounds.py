"""The claims of one mode: models, the standard question and what becomes of it, renewal.

Called by `pipeline.py`, once for each mode of a login and once for a key.
"""

from __future__ import annotations

import time
from functools import partial

import msgspec

from maestro.proof import asking, checks
from maestro.proof.around import Failure
from maestro.proof.asking import Answer, Asker
from maestro.proof.plan import Path
from maestro.proof.report import Answered, Round
from maestro.proof.signing_in import Visitor
from maestro.proof.terms import Terms
from maestro.proof.verdicts import Claims, Skipped, must
from providers import catalogue, resolver
from providers import provider as interface
from providers.chat_stream import ChatStream
from providers.types import AuthType
from sessions_app.runs.metering import Metered, call_of
from sessions_app.services import credentials

_MODE = "the login is used in this mode; one that needs a key has exchanged for it"
_MODELS = "the vendor lists the models of this credential"
_ANSWER = "the standard question is answered, streamed"
_PARSER = "everything came through the one parser"
_STOPPED = "stopping ends an answer at once, and keeps what came"
_RETRIED = "what fails before anything was shown is asked again"
_CUT = "a broken connection is an error of its own kind, and what came is kept"
_RECOVERED = "after a cut the answer is whole again, as this vendor documents it"
_REFRESH = "new tokens are fetched, stored before use, and work"


class ModeProof:
    """The claims of one mode."""

    def __init__(
        self, path: Path, terms: Terms, visitor: Visitor, round_: Round
    ) -> None:
        self._path = path
        self._terms = terms
        self._visitor = visitor
        self._round = round_
        indent = "    " if round_.mode else "  "
        self._claims = Claims(round_.verdicts, terms.tell, indent)
        self._broken: Answer | None = None

    def run(self) -> None:
        """All of them."""
        add, skip = self._claims.add, self._claims.skip
        if self._round.mode and not add("mode", _MODE, self._mode):
            skip("the mode cannot be used", ("models", _MODELS), ("answer", _ANSWER))
            return
        if not add("models", _MODELS, self._models):
            skip("there is no model to ask", ("answer", _ANSWER))
            return
        self._answer()
        add("stopped", _STOPPED, self._stopped)
        add("retried", _RETRIED, self._retried)
        if add("cut", _CUT, self._cut):
            add("recovered", _RECOVERED, self._recovered)
        else:
            skip("nothing was cut", ("recovered", _RECOVERED))
        add("refresh", _REFRESH, self._refresh)

    @property
    def _asker(self) -> Asker:
        return Asker(
            provider=self._path.provider,
            auth_type=self._path.auth_type,
            credential=self._visitor.name,
            model=self._round.model,
            idle_timeout_s=self._terms.idle_timeout_s,
            limits=self._terms.limits,
            meter=self._metered,
            say=self._terms.say,
        )

    def _metered(self, stream: ChatStream) -> Metered:
        """Counted as every call that costs; one that the emulator answers costs nothing."""
        call = call_of(self._visitor.user, self._visitor.row(), self._round.model)
        is_free = self._terms.around.against == "emulator"
        return Metered(stream, msgspec.structs.replace(call, is_demo=is_free))

    def _mode(self) -> str:
        """Switch to it where that was not done at login. A key is a second exchange."""
        row = self._visitor.row()
        said = "as the login was made"
        if row.metadata.get("mode") != self._round.mode:
            result = credentials.choose_mode(
                user=self._visitor.user, credential_id=row.pk, mode=self._round.mode
            )
            must(result.is_ok, result.message)
            row, said = self._visitor.row(), "switched"
        found = row.as_credential()
        must(not found.problem, found.problem)
        mode = found.metadata.get("mode")
        must(mode == self._round.mode, f"it is in mode {mode}")
        wants_key: AuthType = "api_key"
        if mode == wants_key:
            must(bool(found.secret(wants_key)), "the second exchange gave no key")
            return f"{said}; a second exchange gave it a key"
        return said

    def _models(self) -> str:
        row = self._visitor.row()
        listed = credentials.models_for(
            user=self._visitor.user, credential_id=row.pk, fresh=True
        )
        names = [model.id for model in listed]
        usual = resolver.provider(self._path.provider).default_model
        wanted = self._terms.model
        if not wanted:
            must(bool(names), "the list is empty")
            wanted = usual if usual in names else names[0]
        self._round.model = wanted
        return f"{len(names)} models; {wanted} is asked"

    def _answer(self) -> None:
        """Ask once, then judge what came in every respect."""
        held: list[Answer] = []

        def ask() -> str:
            held.append(asking.ask(self._asker))
            self._note("answer", held[0])
            first = held[0].first_text_s
            must(first is not None, f"no text came. {held[0].trouble}")
            return f"first text after {first:.2f} s, {held[0].attempts} request(s)"

        self._claims.add("answer", _ANSWER, ask)
        if not held:
            promises = [(c.name, c.promise) for c in checks.ANSWER_CHECKS]
            self._claims.skip("nothing came", *promises, ("parser", _PARSER))
            return
        for check in checks.ANSWER_CHECKS:
            holds = partial(check.holds, held[0])
            self._claims.add(check.name, check.promise, holds)
        dialect = interface.provider_capabilities(self._path.provider)["dialect"]
        self._claims.add(
            "parser", _PARSER, lambda: checks.came_through_the_parser(held[0], dialect)
        )

    def _cut(self) -> str:
        self._broken = asking.cut(self._asker, is_ours=self._we_break("cut"))
        seen = checks.broke_off(self._broken)
        decision = asking.decide(self._broken, self._asker, self._broken.total_s)
        must(decision.action == "go_on", f"the product would {decision.action}")
        return seen

    def _stopped(self) -> str:
        within_s = self._terms.around.stops_within_s
        return checks.was_stopped(asking.stop(self._asker), within_s)

    def _retried(self) -> str:
        failed = asking.fail(self._asker, is_ours=self._we_break("refused"))
        seen = checks.failed_before_it_began(failed)
        decision = asking.decide(failed, self._asker, failed.total_s)
        must(decision.action == "retry", f"it would not be: {failed.trouble}")
        time.sleep(decision.wait_s)
        self._stopped()
        return f"{seen}; asked again after {decision.wait_s:.1f} s"

    def _we_break(self, how: Failure) -> bool:
        """Whether it is for us to break the next answer; else the other side will."""
        around = self._terms.around
        if around.fails_on_demand:
            around.fail_next(how)
        return not around.fails_on_demand

    def _recovered(self) -> str:
        assert self._broken is not None
        mended = asking.mend(self._asker, self._broken)
        self._note("recovered", mended)
        return checks.was_mended(mended)

    def _refresh(self) -> str:
        if self._path.auth_type != "oauth":
            raise Skipped("a key does not expire")
        before = self._visitor.row()
        result = credentials.refresh_credential(
            user=self._visitor.user, credential_id=before.pk
        )
        must(result.is_ok, result.message)
        after = self._visitor.row()
        grown = after.generation > before.generation
        must(grown, "no new tokens were stored")
        must(after.secrets != before.secrets, "the stored secrets are the old ones")
        credentials.models_for(
            user=self._visitor.user, credential_id=after.pk, fresh=True
        )
        return f"{result.message} Generation {after.generation}, and it works."

    def _note(self, name: str, answer: Answer) -> None:
        """Its figures, for the report."""
        used = answer.usage
        facts = self._visitor.row().metadata
        provider, auth_type = self._path.provider, self._path.auth_type
        cost = None
        if interface.is_subscription(provider, auth_type, facts):
            self._round.paid_by = "plan"
        else:
            cost = catalogue.cost(provider, self._round.model, used)
        self._round.answers[name] = Answered(
            characters=len(answer.text),
            deltas=answer.deltas,
            attempts=answer.attempts,
            first_event_s=answer.first_event_s,
            first_text_s=answer.first_text_s,
            total_s=answer.total_s,
            stop_reason=answer.stop_reason,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            reasoning_tokens=used.reasoning_tokens,
            cost_usd=str(cost[0]) if cost else None,
            price_date=cost[1] if cost else None,
        )
