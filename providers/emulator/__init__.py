"""A server that speaks the vendors' wires, for the demo, the tests and offline checks.

Written from the vendors' documents. It stands outside the code it tests: it imports the
standard library, `cryptography` for signatures, and nothing of Maestro, and always runs as
a process of its own (or a thread of a test). Where a client is wrong, it refuses as the
vendor would.

    origin                                        here
    https://api.openai.com                        http://127.0.0.1:PORT/openai
    https://api.anthropic.com                     http://127.0.0.1:PORT/anthropic
    https://generativelanguage.googleapis.com     http://127.0.0.1:PORT/gemini
    https://auth.openai.com                       http://127.0.0.1:PORT/openai-auth
    https://chatgpt.com                           http://127.0.0.1:PORT/chatgpt
    https://platform.claude.com                   http://127.0.0.1:PORT/anthropic-auth
    https://claude.ai                             http://127.0.0.1:PORT/claude-ai
    https://accounts.google.com                   http://127.0.0.1:PORT/google-accounts
    https://oauth2.googleapis.com                 http://127.0.0.1:PORT/google-oauth
    any OpenAI-compatible server's base URL       http://127.0.0.1:PORT/compatible/v1

    server ─▶ routes ─▶ vendor wire (openai_responses, openai_chat, anthropic, gemini)
                 │      chatgpt (Responses with rules of its own)
                 ├───▶ oauth_{openai,siwc,device,anthropic,google}: logins and tokens
                 ├───▶ oauth_gate: which token of a login is let in where
                 ├───▶ answers: what the model says        (scripts, keywords)
                 └───▶ faults: how it goes wrong           (control API, model suffix)
"""
