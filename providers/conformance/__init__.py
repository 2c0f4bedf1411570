"""The conformance suite: does a provider do what the interface promises?

Runs one provider's real code, offline, against the emulator in a process of its own.
`manage.py provider_check SLUG` shows it; the tests run it on every provider that speaks
a dialect the emulator knows. Each rule is one sentence and fails by itself.

    suite.check(slug) ──▶ Lab (emulator process, one credential) ──▶ rules ──▶ Report
"""
