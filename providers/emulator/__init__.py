"""A server that speaks the vendors' wires, for the demo, the tests and offline checks.

Written from the vendors' documents. It stands outside the code it tests: it imports the
standard library and nothing of Maestro, and always runs as a process of its own (or a
thread of a test). Where a client is wrong, it refuses as the vendor would.

    origin                                        here
    https://api.openai.com                        http://127.0.0.1:PORT/openai
    https://api.anthropic.com                     http://127.0.0.1:PORT/anthropic
    https://generativelanguage.googleapis.com     http://127.0.0.1:PORT/gemini
    any OpenAI-compatible server's base URL       http://127.0.0.1:PORT/compatible/v1

    server ─▶ routes ─▶ vendor wire (openai_responses, openai_chat, anthropic, gemini)
                 ├───▶ answers: what the model says        (scripts, keywords)
                 └───▶ faults: how it goes wrong           (control API, model suffix)
"""
